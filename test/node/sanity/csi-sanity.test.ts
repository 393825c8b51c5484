import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'

import { isWholeSet } from '../../faults/extent.ts'
import { startCsiNode, type CsiHarness } from '../../unit/csi-node/csi-harness.ts'
import { groupOn, handMadeLvm, run, startNode, usualRunner, GROUP, type Node } from '../lvm/fixture.ts'
import { casesOf, type SanityCase } from './report.ts'
import { SKIPPED } from './skipped.ts'

const DIRECTORY = '/run/loam-test/sanity'
const KUBELET = join(DIRECTORY, 'kubelet')
const REPORT = join(DIRECTORY, 'report.json')
const PARAMETERS = join(DIRECTORY, 'parameters.yaml')

const disks = (process.env.LOAM_TEST_DISKS ?? '').split(',').filter((path) => path !== '')

/** In whole extents, as large as each mkfs wants it; twice of it is the smallest size that btrfs grows to. */
const SIZES_MIB = { ext4: 64, xfs: 320, btrfs: 128, block: 16 } as const
type Content = keyof typeof SIZES_MIB

const layouts = { linear: { layout: 'linear' }, thin: { layout: 'thin', thinPool: 'pool' } } as const

/** In every run; all with LOAM_FAULTS=all, which takes minutes. */
const SHORT_SET: Readonly<Record<keyof typeof layouts, readonly Content[]>> = { linear: ['ext4'], thin: [] }
const ALL: readonly Content[] = ['ext4', 'xfs', 'btrfs', 'block']

const parametersOf = (content: Content, layout: keyof typeof layouts): Record<string, string> => ({
  volumeGroup: GROUP,
  ...layouts[layout],
  ...(content === 'block' ? {} : { 'csi.storage.k8s.io/fstype': content }),
})

/** The real csi-sanity against the real plugin on real LVM. */
describe('csi-sanity', function () {
  this.timeout(900_000)
  let node: Node
  let csi: CsiHarness

  before(async () => {
    await mkdir(join(KUBELET, 'pods'), { recursive: true })
    await mkdir(join(KUBELET, 'plugins'), { recursive: true })
    node = await startNode()
    await groupOn(node.volumes, ...disks)
    csi = await startCsiNode({
      ...{ volumes: node.volumes, kubeletDirectory: KUBELET, createsVolumes: true },
      runner: usualRunner,
    })
  })
  after(async () => {
    await csi[Symbol.asyncDispose]()
    await node.close()
    await handMadeLvm('vgremove', '--force', '--yes', GROUP)
    for (const path of disks) await run('blkdiscard', '--force', path)
    await rm(DIRECTORY, { recursive: true, force: true })
  })

  const sanity = async (
    content: Content,
    layout: keyof typeof layouts,
  ): Promise<{ readonly output: string; readonly cases: readonly SanityCase[] }> => {
    const entries = Object.entries(parametersOf(content, layout))
    await writeFile(PARAMETERS, entries.map(([name, value]) => `${name}: ${value}\n`).join(''))
    const bytes = SIZES_MIB[content] * 1024 ** 2
    const { all } = await execa(
      process.env.LOAM_CSI_SANITY ?? 'csi-sanity',
      [
        `--csi.endpoint=unix://${KUBELET}/plugins/loam.storage/csi.sock`,
        `--csi.mountdir=${KUBELET}/pods/sanity`,
        `--csi.stagingdir=${KUBELET}/plugins/sanity`,
        `--csi.testvolumeparameters=${PARAMETERS}`,
        `--csi.testvolumesize=${bytes}`,
        `--csi.testvolumeexpandsize=${bytes * 2}`,
        `--csi.testvolumeaccesstype=${content === 'block' ? 'block' : 'mount'}`,
        `--ginkgo.json-report=${REPORT}`,
        '--ginkgo.no-color',
      ],
      { all: true, reject: false, stdin: 'ignore' },
    )
    return { output: all, cases: casesOf(await readFile(REPORT, 'utf8')) }
  }

  for (const layout of ['linear', 'thin'] as const)
    for (const content of isWholeSet ? ALL : SHORT_SET[layout])
      it(`finds nothing wrong with ${content} on ${layout} volumes, and skips what is written down`, async () => {
        const { output, cases } = await sanity(content, layout)
        const failed = cases.filter(({ state }) => !['passed', 'skipped', 'pending'].includes(state))
        expect(failed, output).to.deep.equal([])
        const skipped = cases.filter(({ state }) => state !== 'passed').map(({ name }) => name)
        expect(skipped).to.have.members(Object.keys(SKIPPED))
        expect(cases.length - skipped.length, output).to.be.greaterThan(30)
        const { volumes } = await node.volumes.inventory()
        expect(volumes.filter(({ segmentType }) => segmentType !== 'thin-pool')).to.deep.equal([])
      })
})
