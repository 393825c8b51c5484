/** Tells what the lab is doing and how long each part took. */
export interface Progress {
  readonly phase: <Result>(title: string, work: () => Promise<Result>) => Promise<Result>
  readonly note: (text: string) => void
  readonly elapsedMs: () => number
}

export const formatSeconds = (milliseconds: number): string => {
  const seconds = milliseconds / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`
}

/** A phase that runs longer than this says every so often that it still does. */
const REMINDER_MS = 20_000

export const createProgress = (write: (line: string) => void): Progress => {
  const started = performance.now()
  const elapsedMs = () => performance.now() - started
  const line = (text: string) => write(`[${formatSeconds(elapsedMs()).padStart(8)}] ${text}\n`)
  const phase = async <Result>(title: string, work: () => Promise<Result>): Promise<Result> => {
    const begun = performance.now()
    const spent = () => formatSeconds(performance.now() - begun)
    const reminder = setInterval(() => line(`${title}: not yet, after ${spent()}`), REMINDER_MS)
    try {
      const result = await work()
      line(`${title}: ${spent()}`)
      return result
    } finally {
      clearInterval(reminder)
    }
  }
  return { phase, note: line, elapsedMs }
}

/** For callers that want no output. */
export const silentProgress: Progress = createProgress(() => undefined)
