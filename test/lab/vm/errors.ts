import { LoamError } from '../../../core/errors.ts'

/** Something in the lab did not work; says on which object and what to do. */
export class LabError extends LoamError {
  readonly reason = 'LabFailed'
}
