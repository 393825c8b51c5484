import { run } from '../node/lvm/fixture.ts'
import { demand } from './invariants.ts'

/** What the user of a story writes. */
export const SECRET = 'tenant-secret '

/** Zeros are dropped first: to grep they are one endless line. */
const COUNT = `tr -d '\\0' < "$0" | grep -c -a '${SECRET}' || true`

/**
 * How often it stands on a disk. A volume is written past the cache of the disk below it, which would show what was
 * there when somebody last looked.
 */
export const countSecrets = async (path: string): Promise<number> => {
  await run('blockdev', '--flushbufs', path)
  return Number(await run('sh', '-c', COUNT, path))
}

/** I9: no byte of a former user is left once the space is free. @throws Violation. */
export const noFormerBytes = async (disks: readonly string[]): Promise<void> => {
  for (const path of disks)
    demand((await countSecrets(path)) === 0, `I9: ${path} still shows what a former user wrote`)
}
