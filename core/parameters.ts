import { parseDiskSelections, type DiskSelection } from './disk-selection.ts'
import { LoamError } from './errors.ts'
import { LAYOUTS, type Layout, type LayoutName } from './layout.ts'
import { layoutOf } from './layout-parameters.ts'
import { parseMkfsOptions } from './mkfs-options.ts'
import { defaultVolumeGroupName } from './naming.ts'
import { parseQuantity } from './quantity.ts'
import { ERASE_METHODS, FILE_SYSTEMS, type EraseMethod, type FileSystem } from './volume-tags.ts'
import { volumeGroupNameFault } from './volume-group-name.ts'

/** The parameters of a StorageClass of ours, checked and with defaults filled in. */
export interface ClassParameters {
  /** Empty when the class only uses a volume group that another class makes. */
  readonly disks: readonly DiskSelection[]
  readonly volumeGroup: string
  readonly layout: Layout
  readonly fileSystem: FileSystem
  readonly mkfsOptions: readonly string[]
  readonly erase: EraseMethod
  readonly scoring: Scoring
}

/** Which of the nodes that fit a pod should go to: the one with most room left then, or the one with least. */
const SCORINGS = ['spread', 'binpack'] as const
type Scoring = (typeof SCORINGS)[number]

/** One thing wrong with one parameter, for the person who wrote it. */
export interface ParameterFault {
  readonly parameter: string
  readonly message: string
}

/** What can be told about a class in spite of its faults: where to show them. */
export type ReadableParameters = Pick<ClassParameters, 'disks' | 'volumeGroup'> & {
  readonly layout: { readonly name: LayoutName }
}

export class InvalidParameters extends LoamError {
  override readonly reason = 'InvalidParameters'
  readonly faults: readonly ParameterFault[]
  readonly readable: ReadableParameters
  constructor(storageClassName: string, faults: readonly ParameterFault[], readable: ReadableParameters) {
    super(`StorageClass "${storageClassName}"`, faults.map((fault) => fault.message).join('; '), {
      advice: 'parameters of a StorageClass cannot be changed: delete the class and create it again',
    })
    this.faults = faults
    this.readable = readable
  }
}

/** A value read, or what is allowed instead of it. */
type Read<T> = { value: T } | { faults: readonly string[] }

const oneOf =
  <T extends string>(allowed: readonly T[]) =>
  (text: string): Read<T> => {
    const value = allowed.find((candidate) => candidate === text)
    return value === undefined ? { faults: [`allowed are ${allowed.join(', ')}`] } : { value }
  }

const wholeNumber =
  (minimum: number, maximum: number) =>
  (text: string): Read<number> => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= minimum && value <= maximum
      ? { value }
      : { faults: [`allowed are whole numbers from ${minimum} to ${maximum}`] }
  }

const stripeSize = (text: string): Read<bigint> => {
  const value = parseQuantity(text)
  const isPowerOfTwo = value !== undefined && value > 0n && (value & (value - 1n)) === 0n
  return isPowerOfTwo && value >= 4096n && value <= 4n * 1024n * 1024n
    ? { value }
    : { faults: ['allowed are powers of two from 4Ki to 4Mi'] }
}

/** In thousandths. */
const ratio = (text: string): Read<bigint> => {
  const [, whole = '', fraction = ''] = /^(\d{1,3})(?:\.(\d{1,3}))?$/.exec(text) ?? []
  const value = BigInt(`${whole}${fraction.padEnd(3, '0')}`)
  return whole !== '' && value >= 1000n && value <= 100_000n
    ? { value }
    : { faults: ['allowed are numbers from 1.0 to 100 with up to three decimals'] }
}

/** Volumes are named `pvc-…`; the rest is LVM's rule for names (lvm(8), "VALID NAMES"), as lvm/names.ts checks it. */
const thinPool = (text: string): Read<string> =>
  /^[a-z0-9][a-z0-9-]{0,62}$/.test(text) && !/^(pvc-|snapshot|pvmove)/.test(text)
    ? { value: text }
    : {
        faults: [
          'allowed are up to 63 small letters, digits and "-", beginning with a letter or digit; not "pvc-…", "snapshot…" or "pvmove…"',
        ],
      }

const volumeGroup = (text: string): Read<string> => {
  const fault = volumeGroupNameFault(text)
  return fault === undefined ? { value: text } : { faults: [fault] }
}

const disks = (text: string): Read<readonly DiskSelection[]> => {
  const read = parseDiskSelections(text)
  return 'faults' in read ? read : { value: read.selections }
}

const mkfsOptions = (text: string): Read<readonly string[]> => {
  const read = parseMkfsOptions(text)
  return 'fault' in read ? { faults: [read.fault] } : { value: read.options }
}

/** The parameter that external provisioners, too, read the file system from. */
const FS_TYPE_PARAMETER = 'csi.storage.k8s.io/fstype'

/** Every parameter that Loam knows, and how it is read. */
const READERS = {
  disks,
  volumeGroup,
  layout: oneOf(LAYOUTS),
  stripes: wholeNumber(2, 128),
  stripeSize,
  mirrors: wholeNumber(1, 9),
  thinPool,
  overprovisionRatio: ratio,
  [FS_TYPE_PARAMETER]: oneOf(FILE_SYSTEMS),
  mkfsOptions,
  erase: oneOf(ERASE_METHODS),
  scoring: oneOf(SCORINGS),
} satisfies Record<string, (text: string) => Read<unknown>>

type ParameterName = keyof typeof READERS

/** Parameters that mean something for some layouts only. */
const LAYOUTS_OF: Partial<Record<ParameterName, readonly LayoutName[]>> = {
  stripes: ['striped', 'raid5', 'raid6', 'raid10'],
  stripeSize: ['striped', 'raid5', 'raid6', 'raid10'],
  mirrors: ['raid1', 'raid10'],
  thinPool: ['thin'],
  overprovisionRatio: ['thin'],
}

const isKnown = (name: string): name is ParameterName => Object.hasOwn(READERS, name)

const cut = (text: string): string => (text.length <= 100 ? text : `${text.slice(0, 100)}…`)

/**
 * Reads the parameters of a StorageClass. Gives the parameters, or all faults at once, each naming the parameter,
 * its value and what is allowed.
 */
export const parseParameters = (
  storageClassName: string,
  parameters: Readonly<Record<string, string>>,
): { parameters: ClassParameters } | { error: InvalidParameters } => {
  const faults: ParameterFault[] = []
  const blame = (parameter: string, message: string): void => void faults.push({ parameter, message })

  for (const name of Object.keys(parameters)) {
    if (!isKnown(name))
      blame(name, `parameter "${name}" is unknown: known are ${Object.keys(READERS).join(', ')}`)
  }

  const read = <N extends ParameterName>(name: N): ReadValue<N> | undefined => {
    const text = parameters[name]
    if (text === undefined) return undefined
    const result = READERS[name](text) as Read<ReadValue<N>>
    if ('value' in result) return result.value
    for (const fault of result.faults) blame(name, `parameter "${name}" is "${cut(text)}": ${fault}`)
    return undefined
  }

  const wanted = parameters.layout ?? 'linear'
  for (const name of Object.keys(READERS).filter(isKnown)) {
    const layouts: readonly string[] | undefined = LAYOUTS_OF[name]
    if (layouts === undefined || parameters[name] === undefined) continue
    if (!layouts.includes(wanted)) {
      blame(
        name,
        `parameter "${name}" goes with layout ${layouts.join(', ')}, but the layout is "${cut(wanted)}"`,
      )
    }
  }

  if (parameters.disks === undefined && parameters.volumeGroup === undefined) {
    blame(
      'disks',
      'parameter "disks" is missing: list the disks, or name in "volumeGroup" a group that another class makes',
    )
  }
  if (parameters.volumeGroup === undefined) {
    const fault = volumeGroupNameFault(defaultVolumeGroupName(storageClassName))
    if (fault !== undefined)
      blame('volumeGroup', `parameter "volumeGroup" is missing, and its default cannot be used: ${fault}`)
  }

  const readLayout = (): Layout => {
    const [name, stripes] = [read('layout') ?? 'linear', read('stripes')]
    const [stripeSize, mirrors] = [read('stripeSize'), read('mirrors')]
    const [thinPool, overprovisionRatio] = [read('thinPool'), read('overprovisionRatio')]
    const made = layoutOf(name, { stripes, stripeSize, mirrors, thinPool, overprovisionRatio })
    if ('value' in made) return made.value
    const { parameter, allowed } = made.fault
    blame(parameter, `parameter "${parameter}" is "${cut(parameters[parameter] ?? '')}": ${allowed}`)
    return { name: 'linear' }
  }

  const checked: ClassParameters = {
    disks: read('disks') ?? [],
    volumeGroup: read('volumeGroup') ?? defaultVolumeGroupName(storageClassName),
    layout: readLayout(),
    fileSystem: read(FS_TYPE_PARAMETER) ?? 'ext4',
    mkfsOptions: read('mkfsOptions') ?? [],
    erase: read('erase') ?? 'zero',
    scoring: read('scoring') ?? 'spread',
  }
  if (faults.length === 0) return { parameters: checked }
  const named = LAYOUTS.find((candidate) => candidate === wanted) ?? 'linear'
  return { error: new InvalidParameters(storageClassName, faults, { ...checked, layout: { name: named } }) }
}

type ReadValue<N extends ParameterName> = (typeof READERS)[N] extends (text: string) => Read<infer T>
  ? T
  : never
