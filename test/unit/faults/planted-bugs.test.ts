import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { AGENT_BUGS, applyBug, DISK_BUGS, plantedBugs, sources } from '../../faults/planted-bugs.ts'

describe('planted bugs', () => {
  for (const [set, least] of [
    [DISK_BUGS, 10],
    [AGENT_BUGS, 8],
  ] as const)
    it(`fit the sources, and name a test that is there: ${basename(set.directory)}`, async () => {
      const bugs = await plantedBugs(set)
      expect(bugs).to.have.length.of.at.least(least)
      for (const bug of bugs) {
        await applyBug(bug, sources, '--dry-run')
        const { file, title } = bug.caughtBy
        expect(await readFile(join(sources, file), 'utf8'), bug.name).to.contain(title)
      }
    })

  it('say what to do when they do not fit any more', async () => {
    const [bug] = await plantedBugs(DISK_BUGS)
    if (bug === undefined) throw new Error('no bug is planted')
    const error: unknown = await applyBug(bug, import.meta.dirname, '--dry-run').catch(
      (thrown: unknown) => thrown,
    )
    expect((error as Error).message).to.match(/does not fit the sources any more: make the same mistake/)
  })
})
