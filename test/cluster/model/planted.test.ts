import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { isWholeSet } from '../../faults/extent.ts'
import { AGENT_BUGS, applyBug, copySources, plantedBugs, runTest } from '../../faults/planted-bugs.ts'
import type { ApiServer } from '../kube/api-server.ts'
import { startModelServer } from './cluster.ts'

/** All of them take minutes; `npm run faults` runs them all. */
const SHORT = ['half-a-pod-is-answered']
/** Some mistakes show only in that a cluster does not come to rest; without a mistake, it does in ten seconds. */
const REST_MS = '20000'

const bugs = (await plantedBugs(AGENT_BUGS)).filter(({ name }) => isWholeSet || SHORT.includes(name))

describe('a bug that somebody plants in the agent', function () {
  this.timeout(180_000)
  let directory: string
  let copy: string
  let server: ApiServer

  before(async function () {
    this.timeout(20 * 60_000)
    directory = await mkdtemp(join(tmpdir(), 'loam-planted-'))
    copy = join(directory, 'sources')
    await copySources(AGENT_BUGS, copy)
    server = await startModelServer()
  })
  after(async () => {
    await server.stop()
    await rm(directory, { recursive: true })
  })

  const run = (caughtBy: (typeof bugs)[number]['caughtBy']) =>
    runTest(copy, caughtBy, { LOAM_MODEL_KUBECONFIG: server.kubeconfig, LOAM_MODEL_REST_MS: REST_MS })

  for (const bug of bugs)
    it(`is noticed: ${bug.name}`, async () => {
      await applyBug(bug, copy)
      try {
        const { passed, failed, output } = await run(bug.caughtBy)
        expect({ passed, failed }, output).to.deep.equal({ passed: 0, failed: 1 })
        // a promise that was broken, and not a test that could not run
        expect(output).to.match(/Error: I\d+: /)
      } finally {
        await applyBug(bug, copy, '--reverse')
      }
    })

  it('is what those tests fail for: they pass without one', async () => {
    const [bug] = bugs
    if (bug === undefined) throw new Error('no bug is planted')
    const { passed, failed, output } = await run(bug.caughtBy)
    expect({ passed, failed }, output).to.deep.equal({ passed: 1, failed: 0 })
  })
})
