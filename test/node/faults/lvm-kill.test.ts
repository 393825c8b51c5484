import { expect } from 'chai'

import type { ChangeStep } from '../../../core/failpoints.ts'
import { OutcomeUnknown } from '../../../lvm/errors.ts'
import type { CreateVolumeRequest, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Facts } from '../../faults/facts.ts'
import { readGroups } from '../../faults/group-reading.ts'
import { checkMoment } from '../../faults/invariants.ts'
import { killingRunner, type KillAt } from '../../faults/killing-runner.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  groupOn,
  MIB,
  requestFor,
  startNode,
  usualRunner,
  wipe,
  type Node,
} from '../lvm/fixture.ts'

/**
 * LVM writes its metadata by write(2) (use_aio=0); it takes its locks and speaks to the kernel by the others. fcntl(2) is
 * for what it finds open when it starts, which a shell does before it is asked.
 */
const SHELL_CALLS = isWholeSet ? ['write', 'ioctl', 'flock', 'unlink'] : ['write']
const SYSTEM_CALLS = {
  process: isWholeSet ? [...SHELL_CALLS, 'fcntl'] : SHELL_CALLS,
  shell: SHELL_CALLS,
}
/** To each of two disks the text, the header that announces it, and the header that makes it count; then messages. */
const METADATA_WRITES = 6
const MOST_KILLS = isWholeSet ? Infinity : METADATA_WRITES

const STEPS: readonly ChangeStep[] = isWholeSet
  ? ['create-volume', 'tag-volume', 'remove-volume']
  : ['create-volume']

describe('an lvm that is killed at a system call', function () {
  this.timeout(1_200_000)
  const runner = killingRunner(usualRunner)
  const claimUids: string[] = []
  let node: Node
  let group: VolumeGroup

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0), disk(1))
    node = await startNode(runner)
    group = await groupOn(node.volumes, disk(0), disk(1))
  })
  afterEach(async () => {
    runner.killAt = undefined
    claimUids.length = 0
    await emptyGroup()
  })
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  const factsOf = (volume: LogicalVolume | undefined): Facts =>
    volume === undefined
      ? { groupUuid: group.uuid }
      : { groupUuid: group.uuid, volume: { ...volume, sizeBytes: `${volume.sizeBytes}` } }

  /** What has LVM do the step, on a volume that is there unless the step makes it. */
  const doing = async (step: ChangeStep, request: CreateVolumeRequest) => {
    const { volumes } = node
    const create = (): Promise<LogicalVolume> => volumes.createVolume(request)
    if (step === 'create-volume') return { made: undefined, attempt: create }
    const made = await create()
    const expected = { name: made.name, claimUid: request.record.claimUid, erase: request.record.erase }
    const attempt = (): Promise<unknown> =>
      step === 'remove-volume'
        ? volumes.removeVolume(made.handle, expected)
        : volumes.prepareVolume(made.handle, { kind: 'block' })
    return { made, attempt }
  }

  /** @returns whether LVM was killed; it is not when it makes fewer such calls. */
  const killOnce = async (killAt: KillAt): Promise<boolean> => {
    const { step } = killAt
    const request = requestFor(group, 4n * MIB, { content: 'block' })
    claimUids.push(request.record.claimUid)
    const { made, attempt } = await doing(step, request)
    const before = await readGroups()
    runner.killAt = killAt
    const killed = await attempt().then(
      () => false,
      (error: unknown) => {
        if (error instanceof OutcomeUnknown) return true
        throw error
      },
    )
    runner.killAt = undefined
    const removalAsked = step === 'remove-volume'
    checkMoment({ groups: await readGroups(), before, facts: factsOf(made), claimUids, removalAsked })

    await attempt()
    const volume = await node.volumes.createVolume(request)
    expect(volume.handle.volumeUuid === made?.handle.volumeUuid, 'the same volume').to.equal(
      step === 'tag-volume',
    )
    checkMoment({
      groups: await readGroups(),
      before,
      facts: factsOf(volume),
      claimUids,
      removalAsked: false,
    })
    return killed
  }

  for (const lvm of ['process', 'shell'] as const)
    for (const step of STEPS)
      for (const systemCall of SYSTEM_CALLS[lvm])
        it(`leaves all or nothing of ${step} by a ${lvm}, whichever ${systemCall} ends it`, async () => {
          let kills = 0
          while (kills < MOST_KILLS && (await killOnce({ lvm, step, systemCall, occurrence: kills + 1 })))
            kills += 1
          console.log(`      killed at each of ${kills} calls`)
          expect(kills).to.be.at.least(systemCall === 'write' ? METADATA_WRITES : 1)
        })
})
