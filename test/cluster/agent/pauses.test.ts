import { expect } from 'chai'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import { replaceAgent } from '../support/agent-pod.ts'
import { signalAgent, waitForNewAgent } from '../support/agent-process.ts'
import { createClaim, deleteClaim, findClaim, waitForNoPersistentVolume } from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'
import { startWriter, type SyncingWriter } from '../support/syncing-writer.ts'

/**
 * Both writers have the same CPU and the same noise; only one of them has Loam below it. So one may wait for that much
 * longer than the other, and not more. A volume that stands still for five seconds is far beyond it, which a test shows.
 */
const LONGEST_RATIO = 3
const STANDSTILL_SECONDS = 5

const pauses = function (this: Mocha.Suite): void {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass
  let onVolume: SyncingWriter
  let onEmptyDir: SyncingWriter

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'pauses', disks: { node1: ['a'] } })
    await waitForClass(lab, storageClass)
    await createClaim(lab, { namespace, name: 'data', storageClass: storageClass.name, size: '64Mi' })
    onVolume = await startWriter(lab, { namespace, name: 'on-volume', node: 'node1', claim: 'data' })
    onEmptyDir = await startWriter(lab, { namespace, name: 'on-empty-dir', node: 'node1' })
  })
  after(async () => {
    await onVolume.remove()
    await onEmptyDir.remove()
    const volume = (await findClaim(lab, namespace, 'data'))?.spec.volumeName ?? ''
    await deleteClaim(lab, namespace, 'data')
    await waitForNoPersistentVolume(lab, volume)
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  const nowMs = async (): Promise<number> => Number(await (await lab.vm('node1')).run(['date', '+%s%3N']))

  /** The longest pause on the volume ÷ the longest on an emptyDir, from before `action` to after it. */
  const ratioOver = async (action: () => Promise<unknown>): Promise<number> => {
    const from = await nowMs()
    await action()
    const until = await nowMs()
    const volumeMs = await onVolume.longestPauseMs(from, until)
    const controlMs = await onEmptyDir.longestPauseMs(from, until)
    const [ofVolume, ofControl] = [volumeMs, controlMs].map((ms) => `${Math.round(ms)} ms`)
    console.log(`      longest pause: ${ofVolume} on the volume, ${ofControl} on an emptyDir`)
    return volumeMs / controlMs
  }

  it('are no longer on a volume than on an emptyDir while the agent is replaced', async () => {
    expect(await ratioOver(() => replaceAgent(lab, 'node1'))).to.be.below(LONGEST_RATIO)
  })

  it('are no longer on a volume than on an emptyDir while the agent crashes and starts', async () => {
    const crash = async () => waitForNewAgent(lab, 'node1', await signalAgent(lab, 'node1', 'KILL'))
    expect(await ratioOver(crash)).to.be.below(LONGEST_RATIO)
  })

  it('are longer when the volume does stand still: this test can fail', async () => {
    const volume = (await findClaim(lab, namespace, 'data'))?.spec.volumeName ?? ''
    const script = `device=$(lvs --noheadings -o lv_dm_path "$0") && dmsetup suspend $device && sleep ${STANDSTILL_SECONDS}
      dmsetup resume $device`
    const vm = await lab.vm('node1')
    const standstill = () => vm.run(['bash', '-c', script, `${storageClass.volumeGroup}/${volume}`])
    expect(await ratioOver(standstill)).to.be.above(LONGEST_RATIO)
  })
}

// with LOAM_FAULTS=all: it takes minutes on two cores
if (isWholeSet) describe('agent: pauses of a writer that syncs, when the agent is restarted', pauses)
