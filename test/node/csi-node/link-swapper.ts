// Puts links in the place of directories, and the directories back, until its input ends: link-swapper.ts SITES
// SITES is SwapSite[] as JSON. Prints how often it did. A process of its own, so that nothing that the agent does holds it up.
import { lstatSync, renameSync, rmSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

import type { SwapSite } from './decoy.ts'

const MAX_PAUSE_MS = 25

/** Whether it worked. */
const succeeds = (act: () => void): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

const anyOf = <Item>(items: readonly Item[]): Item => {
  const item = items[Math.floor(Math.random() * items.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** False when something is mounted there: the kernel lets nobody rename that. */
const putLink = ({ path, parked, decoys }: SwapSite): boolean =>
  (!isThere(path) || succeeds(() => renameSync(path, parked))) &&
  succeeds(() => symlinkSync(anyOf(decoys), path))

const dropUnused = (parked: string): boolean =>
  succeeds(() => rmdirSync(parked)) || succeeds(() => unlinkSync(parked))

/** False while the directory that was taken away can neither go back nor, when there is a new one, be removed. */
const putBack = ({ path, parked }: SwapSite): boolean => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(path)
  return !isThere(parked) || succeeds(() => renameSync(parked, path)) || dropUnused(parked)
}

/** At once, or after a time in which the agent gets somewhere: on one CPU it stands still otherwise. */
const pause = async (): Promise<void> => {
  if (Math.random() < 0.5) await turn()
  else await sleep(Math.random() * MAX_PAUSE_MS)
}

const { stdin } = process
stdin.resume()
const isOver = (): boolean => stdin.readableEnded
const sites = JSON.parse(process.argv[2] ?? '[]') as SwapSite[]
let swaps = 0
while (!isOver()) {
  const site = anyOf(sites)
  if (putLink(site)) swaps++
  await pause()
  // what is stuck when the test ends is for the test to find
  while (!putBack(site) && !isOver()) await sleep(1)
  await pause()
}
console.log(swaps)
