import { expect } from 'chai'

import { isWholeSet } from '../../faults/extent.ts'
import { applyBug, copySources, plantedBugs, runTest } from '../../faults/planted-bugs.ts'
import { detachDisks, run } from '../lvm/fixture.ts'

const COPY = '/run/loam-planted'
/** The tests of the others cost minutes; `npm run faults` runs them all. */
const SHORT = ['no-flush-after-lvcreate', 'used-is-not-erased']

const bugs = (await plantedBugs()).filter(({ name }) => isWholeSet || SHORT.includes(name))

describe('a bug that somebody plants', function () {
  this.timeout(600_000)

  before(() => copySources(COPY))
  after(() => run('rm', '--recursive', COPY))

  for (const bug of bugs)
    it(`is noticed: ${bug.name}`, async () => {
      await applyBug(bug, COPY)
      try {
        const { passed, failed, output } = await runTest(COPY, bug.caughtBy)
        expect({ passed, failed }, output).to.deep.equal({ passed: 0, failed: 1 })
        expect(output, 'the test itself fails, not what surrounds it').to.not.match(/" hook/)
      } finally {
        await applyBug(bug, COPY, '--reverse')
        // a test that fails may leave its disks behind
        await run('sh', '-c', 'dmsetup remove_all --force; rmmod scsi_debug 2>/dev/null || true')
        await detachDisks().catch(() => undefined)
      }
    })

  it('is what those tests fail for: they pass without one', async () => {
    const [bug] = bugs
    if (bug === undefined) throw new Error('no bug is planted')
    const { passed, failed, output } = await runTest(COPY, bug.caughtBy)
    expect({ passed, failed }, output).to.deep.equal({ passed: 1, failed: 0 })
  })
})
