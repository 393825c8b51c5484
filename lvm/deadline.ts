import { OutcomeUnknown } from './errors.ts'

/**
 * Waits for work that cannot be cancelled, such as a process or a system call stuck on a dead disk.
 *
 * @throws OutcomeUnknown after `deadlineMs`; the work goes on, and `ended` of the error tells when it is over.
 */
export const withDeadline = async <T>(object: string, work: Promise<T>, deadlineMs: number): Promise<T> => {
  const since = new Date()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const ended = work.then(
        () => undefined,
        () => undefined,
      )
      reject(new OutcomeUnknown(object, `not over after ${deadlineMs / 1000} s`, { ended, since }))
    }, deadlineMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
