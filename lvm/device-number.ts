/**
 * `major:minor` of a device number as Linux packs it (makedev(3)): minors go beyond 255, so their bits are in two
 * places.
 */
export const deviceNumberOf = (rdev: number): string => {
  const packed = BigInt(rdev)
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & 0xfffff000n)
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}
