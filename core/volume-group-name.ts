/**
 * Device-mapper names end at 127 characters and hold group and volume with every hyphen doubled
 * (libdm, DM_NAME_LEN); "pvc-" and a UUID take 45 of them and the separator one, snapshots and RAID legs some more.
 */
const MAX_DOUBLED_LENGTH = 70

const ALLOWED = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/

/** What is wrong with a volume group name of Loam's, or undefined. Stricter than vgcreate(8). */
export const volumeGroupNameFault = (name: string): string | undefined => {
  if (!ALLOWED.test(name)) {
    return `"${name}" is no volume group name: allowed are letters, digits and _ . + -, not starting with . + or -`
  }
  const doubled = name.replaceAll('-', '--').length
  if (doubled > MAX_DOUBLED_LENGTH) {
    return `"${name}" is too long: with each hyphen counted twice it has ${doubled} characters, and ${MAX_DOUBLED_LENGTH} are allowed`
  }
  return undefined
}
