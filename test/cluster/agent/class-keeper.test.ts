import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import { diskById } from '../../lab/vm/disks.ts'
import { sharedLab } from '../support/shared-lab.ts'
import {
  capacitiesOf,
  createClass,
  isReady,
  removeClass,
  reportsOf,
  waitForClass,
  waitForReport,
  type TestClass,
} from '../support/storage-class.ts'

const DISK_EDGES = 'head -c 4194304 "$0" | sha256sum; tail -c 4194304 "$0" | sha256sum'

describe('agent/class-keeper: from the disks of a StorageClass to a volume group', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let made: TestClass[] = []
  const edgesOf = async (path: string): Promise<string> =>
    (await lab.vm('node1')).run(['bash', '-c', DISK_EDGES, path])

  before(async () => {
    lab = await sharedLab()
  })
  afterEach(async () => {
    for (const storageClass of made) await removeClass(lab, storageClass)
    made = []
  })

  it('makes the group of the blank disk, and refuses the one with a file system without changing a byte of it', async () => {
    const vm = await lab.vm('node1')
    const used = diskById('node1', 'b')
    await vm.run(['mkfs.ext4', '-q', used])
    const before = await edgesOf(used)
    try {
      const storageClass = await createClass(lab, { name: 'keeper-refusal', disks: { node1: ['a', 'b'] } })
      made.push(storageClass)
      await waitForClass(lab, storageClass)
      const [report] = await reportsOf(lab, storageClass.name)
      const disks = Object.fromEntries((report?.status?.disks ?? []).map((disk) => [disk.path, disk]))
      expect(disks[diskById('node1', 'a')]).to.include({ state: 'Accepted' })
      expect(disks[used]).to.include({ state: 'Refused' })
      expect(disks[used]?.message).to.match(/ext4/)
      expect(await edgesOf(used)).to.equal(before)
      const members = await vm.run(['vgs', '--noheadings', '-o', 'pv_count', storageClass.volumeGroup])
      expect(members.trim()).to.equal('1')
    } finally {
      await vm.run(['blkdiscard', '-f', used])
    }
  })

  it('marks the group as ours, keeps hosts from activating it, and leaves room for metadata', async () => {
    const storageClass = await createClass(lab, { name: 'keeper-group', disks: { node1: ['a', 'b'] } })
    made.push(storageClass)
    await waitForClass(lab, storageClass)
    const vm = await lab.vm('node1')
    const fields = 'vg_tags,vg_autoactivation,pv_count,vg_mda_size'
    const text = await vm.run([
      'vgs',
      '--reportformat',
      'json',
      '--units',
      'b',
      '--nosuffix',
      '-o',
      fields,
      storageClass.volumeGroup,
    ])
    const { report } = JSON.parse(text) as { report: [{ vg: [Record<string, string>] }] }
    const cluster = (await lab.api.get('/api/v1/namespaces/kube-system')).metadata.uid
    const [group] = report[0].vg
    expect(group.vg_tags?.split(',').sort()).to.deep.equal([
      `loam.cluster=${cluster}`,
      'loam.owner=loam.storage',
    ])
    expect(group.vg_autoactivation).to.equal('')
    expect(group.pv_count).to.equal('2')
    expect(Number(group.vg_mda_size)).to.be.at.least(16 * 1024 * 1024 - 4096)
  })

  it('tells people and the scheduler the same numbers, for the nodes named and for no others', async () => {
    const storageClass = await createClass(lab, {
      name: 'keeper-numbers',
      disks: { node1: ['a', 'b'], node3: ['a'] },
    })
    made.push(storageClass)
    await waitForClass(lab, storageClass)
    const reports = await reportsOf(lab, storageClass.name)
    const largest = Object.fromEntries(
      reports.map(({ spec, status }) => [spec.nodeName, status?.volumeGroup?.largestVolume]),
    )
    expect(largest).to.have.all.keys('node1', 'node3')
    expect(await capacitiesOf(lab, storageClass.name)).to.deep.equal(largest)
    const { stdout } = await lab.kubectl(['get', 'nls'])
    expect(stdout.split('\n')[0]?.split(/\s+/)).to.include.members([
      'NODE',
      'CLASS',
      'VG',
      'SIZE',
      'FREE',
      'VOLUMES',
      'READY',
      'AGE',
    ])
    expect(stdout).to.match(/node1 +keeper-numbers +loam-keeper-numbers +\S+ +\S+ +0 +True/)
  })

  it('shows faulty parameters where the class names nodes, and makes nothing', async () => {
    const storageClass = await createClass(lab, {
      name: 'keeper-faulty',
      disks: { node1: ['a'] },
      parameters: { layout: 'raid7', erase: 'shred' },
    })
    made.push(storageClass)
    const report = await waitForReport(
      lab,
      { storageClass: storageClass.name, node: 'node1', what: 'a condition' },
      (object) => object.status?.conditions !== undefined,
    )
    expect(isReady(report)).to.equal(false)
    const condition = report.status?.conditions?.find(({ type }) => type === 'Ready')
    expect(condition?.reason).to.equal('InvalidParameters')
    expect(condition?.message).to.match(/"layout" is "raid7": allowed are .*"erase" is "shred": allowed are/)
    const { exitCode } = await (await lab.vm('node1')).exec(['vgs', storageClass.volumeGroup])
    expect(exitCode).to.equal(5)
  })

  it('takes a disk that is added to the NodeLocalStorage into the group', async () => {
    const storageClass = await createClass(lab, { name: 'keeper-grow', disks: { node1: ['a'] } })
    // made blank again with the disk that joins
    made.push({ ...storageClass, disks: { node1: ['a', 'b'].map((letter) => diskById('node1', letter)) } })
    await waitForClass(lab, storageClass)
    const [report] = await reportsOf(lab, storageClass.name)
    const disks = [...(report?.spec.disks ?? []), { path: diskById('node1', 'b') }]
    await lab.api.json({
      method: 'PATCH',
      path: `/apis/loam.storage/v1alpha1/nodelocalstorages/${report?.metadata.name ?? ''}`,
      contentType: 'application/merge-patch+json',
      body: { spec: { disks } },
    })
    const size = report?.status?.volumeGroup?.size
    const grown = await waitForReport(
      lab,
      { storageClass: storageClass.name, node: 'node1', what: 'larger than before' },
      // the numbers of the group may be told before what became of the disk
      ({ status }) => {
        return status?.volumeGroup?.size !== size && status?.disks?.length === 2
      },
    )
    expect(grown.status?.disks?.map(({ state }) => state)).to.deep.equal(['Accepted', 'Accepted'])
  })
})
