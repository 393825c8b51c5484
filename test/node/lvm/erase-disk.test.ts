import { expect } from 'chai'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

import type { DiskVerdict, EnsureGroupResult } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { attachDisks, detachDisks, disk, ensure, run, sha256, startNode, wipe, type Node } from './fixture.ts'

describe('a disk that a person lets us erase', function () {
  this.timeout(180_000)
  let node: Node

  before(() => attachDisks(128))
  after(detachDisks)
  beforeEach(async () => {
    await wipe(disk(0), disk(1))
    node = await startNode()
  })
  afterEach(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
  })

  const ensureNamed = (allowNonBlank: string): Promise<EnsureGroupResult> =>
    ensure(node.volumes, [], { disks: [{ path: disk(0), allowNonBlank }] })
  const verdictOf = ({ disks }: EnsureGroupResult): DiskVerdict => {
    const [verdict] = disks
    if (verdict === undefined) throw new Error('no verdict')
    return verdict
  }
  const idOf = async (): Promise<string> => verdictOf(await ensureNamed('nothing')).id

  it('is zeroed whole, then taken in, when exactly this disk is named', async () => {
    await run('mkfs.ext4', '-q', disk(0))
    await run(
      'dd',
      'if=/dev/urandom',
      `of=${disk(0)}`,
      'bs=1M',
      'seek=60',
      'count=30',
      'conv=fsync',
      'status=none',
    )
    const id = await idOf()
    expect(verdictOf(await ensureNamed(id))).to.include({ state: 'Refused', reason: 'Erasing' })
    const isMember = async (): Promise<boolean> => verdictOf(await ensureNamed(id)).reason === 'Member'
    await eventually('the disk is taken in', isMember, 60_000)
    const data = await run('sh', '-c', `tail -c +${20 * 1024 * 1024} ${disk(0)} | tr -d '\\0' | wc -c`)
    expect(Number(data), 'bytes that are not zero behind the metadata').to.equal(0)
  })

  it('stays as it is when another one is named, and the message says which this is', async () => {
    await run('mkfs.ext4', '-q', disk(0))
    const before = await sha256(disk(0))
    const verdict = verdictOf(await ensureNamed('naa.0000'))
    expect(verdict).to.include({ state: 'Refused', reason: 'Signature' })
    expect(verdict.message).to.contain('allowNonBlank names "naa.0000"').and.to.contain(`"${verdict.id}"`)
    expect(await sha256(disk(0))).to.equal(before)
  })

  it('stays as it is while it is mounted or claimed, whoever names it', async () => {
    await run('mkfs.ext4', '-q', disk(0))
    const id = await idOf()
    await run('mkdir', '--parents', '/run/loam-test/canary')
    await run('mount', '-o', 'ro', disk(0), '/run/loam-test/canary')
    expect(verdictOf(await ensureNamed(id)).reason).to.equal('Mounted')
    await run('umount', '/run/loam-test/canary')
    const before = await sha256(disk(0))
    const claimed = await open(disk(0), constants.O_RDONLY | constants.O_EXCL)
    try {
      expect(verdictOf(await ensureNamed(id)).reason, 'not Erasing').to.equal('Signature')
      expect(await sha256(disk(0))).to.equal(before)
    } finally {
      await claimed.close()
    }
  })
})
