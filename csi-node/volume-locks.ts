import { OutcomeUnknown } from '../lvm/errors.ts'
import { CallPending } from './errors.ts'

/**
 * One call at a time for each volume. A second one is not queued but refused, as the CSI specification wants it
 * (Error Scheme, ABORTED): the caller repeats it, and the answer to the first is then known.
 */
export class VolumeLocks {
  readonly #pending = new Map<string, string>()

  /**
   * A program that outlives the wait for it keeps the volume locked until it ends: nothing is started behind it.
   * @throws CallPending while another call for the volume runs.
   */
  async run<T>(volumeId: string, method: string, work: () => Promise<T>): Promise<T> {
    const pendingMethod = this.#pending.get(volumeId)
    if (pendingMethod !== undefined) throw new CallPending(volumeId, pendingMethod)
    this.#pending.set(volumeId, method)
    const unlock = (): void => void this.#pending.delete(volumeId)
    try {
      const result = await work()
      unlock()
      return result
    } catch (error) {
      if (error instanceof OutcomeUnknown && error.ended !== undefined) void error.ended.then(unlock)
      else unlock()
      throw error
    }
  }
}
