import type { Mount } from '../lvm/mounts.ts'
import { InvalidField, PublishedOtherwise, VolumeNotKnownYet } from './errors.ts'
import type { VolumeCapability } from './gen/csi.ts'

const NAME = '[A-Za-z0-9_.-]+'
const CATEGORIES = String.raw`c\d{1,4}(?:\.c\d{1,4})?`
const LEVEL = String.raw`s\d{1,2}(?::${CATEGORIES}(?:,${CATEGORIES}){0,31})?`

/**
 * The option that kubelet adds behind those of the PersistentVolume where the CSIDriver has `seLinuxMount`, to the
 * letter (kubernetes, pkg/volume/util/selinux.go, AddSELinuxMountOption).
 */
const KUBELETS = new RegExp(`^context="(${NAME}:${NAME}:${NAME}:${LEVEL}(?:-${LEVEL})?)"$`)

/** Options of mount(8) that label files: `context=`, `fscontext=`, `defcontext=`, `rootcontext=`, `seclabel`. */
const LABELLING = /context=|seclabel/

/** Takes the SELinux label that has the form of kubelet's from a capability; anything like it elsewhere stays there. */
export const splitLabel = (
  capability: VolumeCapability | undefined,
): { readonly capability: VolumeCapability | undefined; readonly label: string | undefined } => {
  if (capability?.accessType?.$case !== 'mount') return { capability, label: undefined }
  const { value } = capability.accessType
  const label = KUBELETS.exec(value.mountFlags.at(-1) ?? '')?.[1]
  if (label === undefined) return { capability, label }
  const accessType = {
    $case: 'mount',
    value: { ...value, mountFlags: value.mountFlags.slice(0, -1) },
  } as const
  return { capability: { ...capability, accessType }, label }
}

/**
 * Only kubelet may label a volume: it takes the label from the pod. `written` are the mount options in the
 * PersistentVolumes that name the volume; undefined when none is known.
 * @throws VolumeNotKnownYet, InvalidField when the label may have come from there.
 */
export const requireFromKubelet = (written: readonly string[] | undefined, volumeId: string): void => {
  if (written === undefined) throw new VolumeNotKnownYet(volumeId)
  const labelling = written.find((option) => LABELLING.test(option))
  if (labelling === undefined) return
  throw new InvalidField(
    'volume_capability.mount.mount_flags',
    `"${labelling.slice(0, 100)}" is in mountOptions of the PersistentVolume, and only kubelet may label a volume`,
    'take it out there, and give the label in securityContext.seLinuxOptions of the pod',
  )
}

/** The mount option for a label; the kernel reads commas within the quotes as part of it. */
export const labelOptions = (label: string | undefined): string[] =>
  label === undefined ? [] : [`context="${label}"`]

/** Label that a whole file system was mounted with; the kernel quotes it when there is a comma in it. */
export const labelOf = ({ fileSystemOptions }: Pick<Mount, 'fileSystemOptions'>): string | undefined => {
  const found = /(?:^|,)context=(?:"([^"]*)"|([^,]*))/.exec(fileSystemOptions.join(','))
  return found?.[1] ?? found?.[2]
}

const categoriesIn = (text: string): string => {
  const numbers = text.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('.').map((category) => Number(category.slice(1)))
    return Array.from({ length: Math.max(to - from + 1, 0) }, (_unused, index) => from + index)
  })
  return [...new Set(numbers)].sort((one, other) => one - other).join()
}

/** The kernel sorts and joins categories, and leaves out the upper level when it is the lower one. */
const sameForm = (label: string): string => {
  const [user, role, type, ...level] = label.split(':')
  const ends = level.join(':').split('-')
  const [low, high = low] = ends.map((end) => {
    const [sensitivity, categories = ''] = end.split(':')
    return `${sensitivity}:${categoriesIn(categories)}`
  })
  return [user, role, type, low, high].join(' ')
}

/** Whether both mean the same to SELinux; undefined is "no label for the whole file system". */
export const isSameLabel = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined ? one === other : sameForm(one) === sameForm(other)

const spoken = (label: string | undefined): string =>
  label === undefined ? 'without an SELinux label' : `with SELinux label "${label}"`

/** @throws PublishedOtherwise when the mount has another label than is wanted, or one and none is wanted. */
export const requireLabel = (mount: Mount, volumeId: string, wanted: string | undefined): void => {
  const found = labelOf(mount)
  if (isSameLabel(found, wanted)) return
  throw new PublishedOtherwise(
    mount.mountPoint,
    `volume "${volumeId}" is staged there ${spoken(found)}, and is wanted ${spoken(wanted)}`,
  )
}
