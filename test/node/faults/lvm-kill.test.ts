import { expect } from 'chai'
import { randomUUID } from 'node:crypto'

import type { ChangeStep } from '../../../core/failpoints.ts'
import { silentLogger } from '../../../core/logger.ts'
import { createCommandRunner } from '../../../lvm/command-runner.ts'
import { OutcomeUnknown } from '../../../lvm/errors.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Facts } from '../../faults/facts.ts'
import { readGroups } from '../../faults/group-reading.ts'
import { checkMoment } from '../../faults/invariants.ts'
import { killingRunner } from '../../faults/killing-runner.ts'
import { OPERATIONS, type OperationName } from '../../faults/operations.ts'
import { attachDisks, detachDisks, disk, emptyGroup, startNode, wipe, type Node } from '../lvm/fixture.ts'

/** LVM writes its metadata by pwrite64 (use_aio=0); it takes its locks and speaks to the kernel by the others. */
const SYSTEM_CALLS = isWholeSet ? ['pwrite64', 'ioctl', 'flock', 'unlink', 'fcntl'] : ['pwrite64']

/** What is done, and at which of its steps LVM is killed. */
const CASES: readonly { doing: OperationName; after: readonly OperationName[]; at: ChangeStep }[] = [
  { doing: 'create', after: [], at: 'create-volume' },
  { doing: 'stage', after: ['create'], at: 'tag-volume' },
  { doing: 'remove', after: ['create'], at: 'remove-volume' },
]

describe('an lvm that is killed at a system call', function () {
  this.timeout(1_200_000)
  const runner = killingRunner(createCommandRunner({ log: silentLogger }))
  let node: Node
  let facts: Facts

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0), disk(1))
    node = await startNode(runner)
    facts = {}
  })
  afterEach(async () => {
    runner.killAt = undefined
    await emptyGroup()
  })
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  const scene = (claimUid: string, known: Facts) => ({
    ...{ volumes: node.volumes, disks: [disk(0), disk(1)], facts: known },
    claim: { uid: claimUid, content: 'block', erase: 'zero' } as const,
  })

  /** @returns whether LVM was killed; it is not when it makes fewer such calls. */
  const killOnce = async (which: (typeof CASES)[number], systemCall: string, occurrence: number) => {
    const uid = randomUUID()
    let known = facts
    for (const name of which.after) known = await OPERATIONS[name](scene(uid, known))
    const before = await readGroups()
    const attempt = () => OPERATIONS[which.doing](scene(uid, known))
    runner.killAt = { step: which.at, systemCall, occurrence }
    const killed = await attempt().then(
      () => false,
      (error: unknown) => {
        if (error instanceof OutcomeUnknown) return true
        throw error
      },
    )
    runner.killAt = undefined
    const claimUids = [uid]
    const removalAsked = which.doing === 'remove'
    checkMoment({ groups: await readGroups(), before, facts: known, claimUids, removalAsked })
    const { volume, removed } = await attempt()
    expect(removed === true).to.equal(removalAsked)
    checkMoment({
      ...{ groups: await readGroups(), before, claimUids: removalAsked ? [] : claimUids, removalAsked },
      facts: { ...known, ...(volume === undefined ? {} : { volume }), ...(removed ? { removed } : {}) },
    })
    await emptyGroup()
    return killed
  }

  for (const which of CASES)
    for (const systemCall of SYSTEM_CALLS)
      it(`leaves all or nothing of ${which.at}, wherever a ${systemCall} ends it`, async () => {
        facts = await OPERATIONS.group(scene('', facts))
        let occurrence = 1
        while (await killOnce(which, systemCall, occurrence)) occurrence += 1
        console.log(`      killed ${occurrence - 1} times`)
        expect(occurrence, 'kills').to.be.greaterThan(systemCall === 'pwrite64' ? 3 : 0)
      })
})
