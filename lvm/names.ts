import { Refused } from './errors.ts'

/**
 * What may reach LVM's command line. Narrower than what LVM allows (lvm(8), "VALID NAMES"), so that no name can be
 * an option, a path, or one that LVM keeps for itself.
 */
const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const VOLUME_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const RESERVED_VOLUME_NAME = /^(snapshot|pvmove)/
const TAG = /^[A-Za-z0-9_+.][A-Za-z0-9_+.\-/=!:&#]{0,1023}$/
const DEVICE_PATH = /^\/dev(\/[A-Za-z0-9_.:+@=,-]+)+$/
const LVM_UUID = /^[A-Za-z0-9]{6}(-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}$/

/** Prefix of the groups' directory in /dev that LVM or udev makes; such names are taken by the kernel already. */
const TAKEN_IN_DEV = new Set([
  'block',
  'bus',
  'char',
  'cpu',
  'disk',
  'input',
  'mapper',
  'net',
  'pts',
  'shm',
  'vfio',
])

/** @throws Refused when the text may not name a volume group. */
export const checkGroupName = (name: string): string => {
  if (GROUP_NAME.test(name) && !TAKEN_IN_DEV.has(name)) return name
  throw new Refused(`volume group ${JSON.stringify(name)}`, 'not a usable name', {
    advice:
      'a letter or digit, then up to 62 letters, digits, ".", "_" or "-"; not the name of a directory in /dev',
  })
}

/** @throws Refused when the text may not name a logical volume of ours. */
export const checkVolumeName = (name: string): string => {
  if (VOLUME_NAME.test(name) && !RESERVED_VOLUME_NAME.test(name)) return name
  throw new Refused(`logical volume ${JSON.stringify(name)}`, 'not a usable name', {
    advice:
      'a small letter or digit, then up to 62 small letters, digits or "-"; not "snapshot…" or "pvmove…"',
  })
}

/** @throws Refused when LVM could not store the text as a tag, or would read it as an option. */
export const checkTag = (tag: string): string => {
  if (TAG.test(tag)) return tag
  throw new Refused(`tag ${JSON.stringify(tag)}`, 'not a usable tag', {
    advice: 'up to 1024 letters, digits and _ + . - / = ! : & #, not starting with a sign of the latter kind',
  })
}

/** @throws Refused when the text is not an LVM UUID. */
export const checkUuid = (uuid: string): string => {
  if (LVM_UUID.test(uuid)) return uuid
  throw new Refused(`LVM UUID ${JSON.stringify(uuid)}`, 'not an LVM UUID', {
    advice: '32 letters and digits in seven parts joined by "-"',
  })
}

/** True for a path below /dev that cannot climb out of it and has no sign with a meaning in an LVM filter. */
export const isDevicePath = (path: string): boolean =>
  DEVICE_PATH.test(path) &&
  path.length <= 255 &&
  !path.split('/').some((part) => part === '.' || part === '..')

/** @throws Refused when the text is not a device path. */
export const checkDevicePath = (path: string): string => {
  if (isDevicePath(path)) return path
  throw new Refused(`device path ${JSON.stringify(path)}`, 'not a usable device path', {
    advice: 'a path below /dev of letters, digits and _ . : + @ = , - ; /dev/disk/by-id/… is best',
  })
}
