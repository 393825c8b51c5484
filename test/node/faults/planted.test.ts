import { expect } from 'chai'

import { isWholeSet } from '../../faults/extent.ts'
import { applyBug, copySources, DISK_BUGS, plantedBugs, runTest } from '../../faults/planted-bugs.ts'
import { run } from '../lvm/fixture.ts'

const COPY = '/run/loam-planted'
/** All of them take minutes; `npm run faults` runs them all. */
const SHORT = ['no-flush-after-lvcreate']

/** A test that fails in the middle may leave anything behind, in the way of the next. */
const CLEAN_UP = [
  'umount --all-targets --quiet /run/loam-test/*',
  'dmsetup remove_all --force',
  'mdadm --stop --scan',
  'losetup --detach-all',
  'udevadm settle',
  'modprobe --remove scsi_debug',
  'true',
].join('; ')

const bugs = (await plantedBugs(DISK_BUGS)).filter(({ name }) => isWholeSet || SHORT.includes(name))

describe('a bug that somebody plants', function () {
  this.timeout(600_000)

  before(() => copySources(DISK_BUGS, COPY))
  after(() => run('rm', '--recursive', COPY))

  for (const bug of bugs)
    it(`is noticed: ${bug.name}`, async () => {
      await applyBug(bug, COPY)
      try {
        const { passed, failed, output } = await runTest(COPY, bug.caughtBy)
        expect(passed, output).to.equal(0)
        // the test itself, not what surrounds it: a hook's name starts with a quotation mark
        expect(output).to.match(new RegExp(`\\d\\) [^"\\n]*${bug.caughtBy.title}`))
        expect(failed).to.be.greaterThan(0)
      } finally {
        await applyBug(bug, COPY, '--reverse')
        await run('sh', '-c', CLEAN_UP)
      }
    })

  it('is what those tests fail for: they pass without one', async () => {
    const [bug] = bugs
    if (bug === undefined) throw new Error('no bug is planted')
    const { passed, failed, output } = await runTest(COPY, bug.caughtBy)
    expect({ passed, failed }, output).to.deep.equal({ passed: 1, failed: 0 })
  })
})
