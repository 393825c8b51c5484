import type { FileSystem } from './volume-tags.ts'

/**
 * Mount options that a class or a PersistentVolume may ask for. Left out on purpose: whatever changes what is mounted
 * or where (`bind`, `loop`, `subvol=`), sets labels (`context=`: kubelet's own is taken out before), weakens what a crash leaves
 * behind (`nobarrier`, `data=writeback`) or takes the node down with the volume (`errors=panic`).
 * Meaning of each: ext4(5), xfs(5), btrfs(5), mount(8).
 */
const ANY_FILE_SYSTEM = [
  /^(no)?suid$/,
  /^(no)?dev$/,
  /^noexec$/,
  /^(no|rel|strict)atime$/,
  /^nodiratime$/,
  /^(no)?lazytime$/,
  /^(no)?discard$/,
]

const ALLOWED: Record<FileSystem, readonly RegExp[]> = {
  ext4: [/^commit=\d{1,3}$/, /^errors=remount-ro$/, /^(no)?auto_da_alloc$/],
  xfs: [/^logbsize=(32|64|128|256)k$/, /^allocsize=\d{1,7}[km]?$/, /^(no)?largeio$/, /^inode64$/],
  btrfs: [
    /^compress(-force)?=(zstd|zlib|lzo)(:\d{1,2})?$/,
    /^(no)?autodefrag$/,
    /^(no)?ssd$/,
    /^discard=(sync|async)$/,
    /^commit=\d{1,3}$/,
  ],
}

/** What a message lists as allowed. */
const NAMES: Record<FileSystem, string> = {
  ext4: 'commit=, errors=remount-ro, auto_da_alloc',
  xfs: 'logbsize=, allocsize=, largeio, inode64',
  btrfs: 'compress=, compress-force=, autodefrag, ssd, discard=async, commit=',
}
const COMMON_NAMES = 'noatime, relatime, strictatime, nodiratime, lazytime, noexec, discard, suid, dev'

/** Every mount of a volume has these, unless its options say the contrary: no set-uid programs, no device files. */
const GUARDS = [
  { option: 'nosuid', contrary: 'suid' },
  { option: 'nodev', contrary: 'dev' },
] as const

const MAX_OPTIONS = 32

/** Checks mount options, each a word or several with commas between. Gives them one by one, or the first fault. */
export const parseMountOptions = (
  fileSystem: FileSystem,
  texts: readonly string[],
): { options: readonly string[] } | { fault: string } => {
  const options = texts.flatMap((text) => text.split(',')).filter((option) => option !== '')
  const allowed = [...ANY_FILE_SYSTEM, ...ALLOWED[fileSystem]]
  const bad = options.find((option) => !allowed.some((pattern) => pattern.test(option)))
  if (bad !== undefined) {
    const names = `${COMMON_NAMES}, ${NAMES[fileSystem]}`
    return { fault: `"${bad.slice(0, 100)}" is not allowed for ${fileSystem}: allowed are ${names}` }
  }
  const torn = GUARDS.find(({ option, contrary }) => options.includes(option) && options.includes(contrary))
  if (torn !== undefined)
    return { fault: `"${torn.option}" and "${torn.contrary}" contradict each other: give one of them` }
  if (options.length > MAX_OPTIONS)
    return { fault: `${options.length} options, and ${MAX_OPTIONS} are allowed` }
  return { options }
}

/** Options that were asked for, and before them what guards the node from what a tenant may have put into the volume. */
export const guardedMountOptions = (asked: readonly string[]): readonly string[] => [
  ...GUARDS.filter(({ contrary }) => !asked.includes(contrary)).map(({ option }) => option),
  ...asked,
]
