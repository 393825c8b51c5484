import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { FAILPOINT_CHANNEL } from '../../core/failpoints.ts'

/** Does something at the first passing of a failpoint, within the step. Gives what tells whether it was passed. */
export const atFailpoint = (failpoint: string, act: () => void): { readonly wasPassed: () => boolean } => {
  let passed = false
  const listener = (message: unknown): void => {
    if (message !== failpoint) return
    unsubscribe(FAILPOINT_CHANNEL, listener)
    passed = true
    act()
  }
  subscribe(FAILPOINT_CHANNEL, listener)
  return { wasPassed: () => passed }
}

/** The failpoints that were passed while the work was done. */
export const failpointsOf = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
  const passed: string[] = []
  const listener = (message: unknown): void => {
    passed.push(String(message))
  }
  subscribe(FAILPOINT_CHANNEL, listener)
  try {
    await work()
  } finally {
    unsubscribe(FAILPOINT_CHANNEL, listener)
  }
  return passed
}
