import { LoamError } from '../../core/errors.ts'

/** An image could not be built; nothing that was there before has been replaced. */
export class BuildFailed extends LoamError {
  readonly reason = 'BuildFailed'
}
