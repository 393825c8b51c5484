import { expect } from 'chai'
import { parseQuantity } from '../../../core/quantity.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { Lab } from '../../lab/lab.ts'
import {
  createClaim,
  deleteClaim,
  waitForBound,
  waitForEvent,
  waitForNoPersistentVolume,
} from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, execInPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import {
  capacitiesOf,
  createClass,
  removeClass,
  waitForClass,
  waitForReport,
  type TestClass,
} from '../support/storage-class.ts'

const MIB = 1024 * 1024

const conditionOf = (report: NodeLocalStorage, type: string) =>
  report.status?.conditions?.find((condition) => condition.type === type)

describe('layouts: a class that spreads its volumes over disks', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let made: TestClass[] = []

  const classWith = async (name: string, parameters: Record<string, string>): Promise<TestClass> => {
    const storageClass = await createClass(lab, { name, disks: { node2: ['a', 'b'] }, parameters })
    made.push(storageClass)
    return storageClass
  }

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
  })
  afterEach(async () => {
    for (const storageClass of made) await removeClass(lab, storageClass)
    made = []
  })
  after(() => deleteNamespace(lab, namespace))

  it('offers what fits on each of two disks; a pod outlives the loss of one, and the disk is taken in again', async () => {
    const storageClass = await classWith('mirrored', { layout: 'raid1' })
    await waitForClass(lab, storageClass)
    // 1 GiB less what LVM takes of each disk, less an extent for the metadata of the leg
    expect((await capacitiesOf(lab, 'mirrored')).node2).to.equal('1000Mi')

    await createClaim(lab, { namespace, name: 'data', storageClass: 'mirrored', size: '64Mi' })
    const pod = { namespace, name: 'writer', claims: ['data'], node: 'node2' }
    await createPod(lab, pod)
    await waitForPod(lab, namespace, 'writer')
    await execInPod(lab, pod, ['sh', '-c', 'echo before > /data/data/file && sync'])
    const vm = await lab.vm('node2')
    await vm.pull('a')
    try {
      await execInPod(lab, pod, ['sh', '-c', 'echo meanwhile >> /data/data/file && sync'])
      const where = { storageClass: 'mirrored', node: 'node2' }
      const report = await waitForReport(lab, { ...where, what: 'VolumesDegraded' }, (each) => {
        return conditionOf(each, 'VolumesDegraded')?.status === 'True'
      })
      expect(conditionOf(report, 'VolumesDegraded')?.message).to.match(/partial/)
      expect(conditionOf(report, 'Frozen')?.reason).to.equal('DisksMissing')
    } finally {
      await vm.plug('a')
    }
    await waitForReport(lab, { storageClass: 'mirrored', node: 'node2', what: 'redundant again' }, (each) => {
      return (
        conditionOf(each, 'VolumesDegraded')?.status === 'False' &&
        conditionOf(each, 'Ready')?.status === 'True'
      )
    })
    expect(await execInPod(lab, pod, ['cat', '/data/data/file'])).to.equal('before\nmeanwhile')

    const { spec } = await waitForBound(lab, namespace, 'data')
    await deletePod(lab, namespace, 'writer')
    await deleteClaim(lab, namespace, 'data')
    await waitForNoPersistentVolume(lab, spec.volumeName ?? '')
  })

  it('promises thin volumes more than its disks have, and shows the pool that they are in', async () => {
    const storageClass = await classWith('thin', { layout: 'thin', overprovisionRatio: '2' })
    await waitForClass(lab, storageClass)
    const offered = Number(parseQuantity((await capacitiesOf(lab, 'thin')).node2 ?? ''))
    expect(offered, 'twice what two disks of 1 GiB hold beside the metadata').to.be.within(
      3900 * MIB,
      4016 * MIB,
    )
    await createClaim(lab, { namespace, name: 'large', storageClass: 'thin', size: '2500Mi' })
    const pod = { namespace, name: 'thin', claims: ['large'], node: 'node2' }
    await createPod(lab, pod)
    await waitForPod(lab, namespace, 'thin')
    await execInPod(lab, pod, ['sh', '-c', 'echo thin > /data/large/file && sync'])
    expect(await execInPod(lab, pod, ['cat', '/data/large/file'])).to.equal('thin')

    const where = { storageClass: 'thin', node: 'node2' }
    const poolOf = ({ status }: NodeLocalStorage) => status?.thinPools?.[0]
    const used = await waitForReport(lab, { ...where, what: 'a pool in use' }, (each) => {
      return poolOf(each)?.dataPercent !== undefined
    })
    expect(poolOf(used)).to.include({ name: 'thinpool', volumes: 1, volumesSize: '2500Mi' })
    expect(used.status?.volumeGroup?.volumes).to.equal(1)

    const { spec } = await waitForBound(lab, namespace, 'large')
    await deletePod(lab, namespace, 'thin')
    await deleteClaim(lab, namespace, 'large')
    await waitForNoPersistentVolume(lab, spec.volumeName ?? '')
    const left = await waitForReport(lab, { ...where, what: 'an empty pool' }, (each) => {
      return poolOf(each)?.volumes === 0
    })
    expect(poolOf(left), 'it stays, for the next volume').to.include({ name: 'thinpool' })
  })

  it('that takes more disks than the node has offers nothing there, and says so', async () => {
    await classWith('too-wide', { layout: 'raid5' })
    const report = await waitForReport(
      lab,
      { storageClass: 'too-wide', node: 'node2', what: 'TooFewDisks' },
      (each) => conditionOf(each, 'VolumeGroupMade')?.reason === 'TooFewDisks',
    )
    expect(conditionOf(report, 'Ready')?.message).to.match(/has 2 disks open .* raid5 over 3 disks/)
    expect((await capacitiesOf(lab, 'too-wide')).node2).to.equal('0')
    await createClaim(lab, { namespace, name: 'never', storageClass: 'too-wide', size: '64Mi' })
    await createPod(lab, { namespace, name: 'waits', claims: ['never'] })
    await waitForEvent(lab, namespace, 'waits', /FailedScheduling: .*not.* enough free storage/)
    await deletePod(lab, namespace, 'waits')
    await deleteClaim(lab, namespace, 'never')
  })
})
