import { parseParameters, type ClassParameters } from '../core/parameters.ts'
import { InvalidField } from './errors.ts'

/** Metadata that external-provisioner puts among the parameters; they say nothing about the volume itself. */
const METADATA = /^csi\.storage\.k8s\.io\/(pvc|pv)\//

/** Stands for the StorageClass, whose name no CSI call carries. */
export const NO_CLASS = 'csi'

/**
 * The parameters of a StorageClass, as a CSI call carries them. The volume group has to be named: its default comes from
 * the name of the class. @throws InvalidField
 */
export const requireParameters = (given: Readonly<Record<string, string>>): ClassParameters => {
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => !METADATA.test(name)))
  if (own.volumeGroup === undefined)
    throw new InvalidField(
      'parameters["volumeGroup"]',
      'it is missing',
      'name the volume group: a CSI call does not carry the name of the StorageClass that its default is made of',
    )
  const read = parseParameters(NO_CLASS, own)
  if ('parameters' in read) return read.parameters
  throw new InvalidField('parameters', read.error.faults.map(({ message }) => message).join('; '))
}
