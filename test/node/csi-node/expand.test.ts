import { statfs, writeFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { thrownBy } from '../../unit/csi-node/thrown-by.ts'
import { MIB, run } from '../lvm/fixture.ts'
import { CsiFixture, failureOf, type TestVolume } from './csi-fixture.ts'

const MORE_BYTES = 16n * MIB
/** The kernel makes no btrfs larger to less than that. */
const LEAST_BTRFS_BYTES = 256n * MIB

describe('NodeExpandVolume', function () {
  this.timeout(600_000)
  let fixture: CsiFixture
  before(async () => {
    fixture = await CsiFixture.start(440)
  })
  afterEach(() => fixture.clearAll())
  after(() => fixture.stop())

  const sizeOf = async ({ handle }: TestVolume): Promise<bigint> =>
    (await fixture.volumes.findVolume(handle))?.sizeBytes ?? 0n
  const extend = async (volume: TestVolume, leastBytes = 0n): Promise<bigint> => {
    const more = (await sizeOf(volume)) + MORE_BYTES
    const sizeBytes = more < leastBytes ? leastBytes : more
    await fixture.volumes.extendVolume({ handle: volume.handle, sizeBytes, overprovisionPermille: 1000n })
    return sizeBytes
  }
  const fileSystemBytes = async (path: string): Promise<bigint> => {
    const { bsize, blocks } = await statfs(path, { bigint: true })
    return bsize * blocks
  }
  const expectGrown = (now: bigint, before: bigint): void => {
    // what a file system takes for itself grows with it
    expect(Number(now - before)).to.be.greaterThan(Number(MORE_BYTES) * 0.7)
  }

  for (const content of ['ext4', 'xfs', 'btrfs'] as const)
    it(`grows ${content} while a pod has it read-only, and at NodeStage what was not grown`, async () => {
      const volume = await fixture.volume(content)
      await volume.stage()
      await writeFile(join(volume.staging, 'file'), 'kept')
      await volume.publish('pod', { readonly: true })
      const before = await fileSystemBytes(volume.staging)
      const required = await extend(volume, content === 'btrfs' ? LEAST_BTRFS_BYTES : 0n)
      expect(await fileSystemBytes(volume.staging)).to.equal(before)
      for (const path of [volume.target('pod'), volume.staging])
        expect(await volume.expand(path, required)).to.deep.equal({ capacityBytes: required })
      const after = await fileSystemBytes(volume.staging)
      expectGrown(after, before)
      expect(await readFile(join(volume.target('pod'), 'file'), 'utf8')).to.equal('kept')

      const tooMuch = await failureOf(volume.expand(volume.target('pod'), required + 1n))
      expect(tooMuch).to.deep.include({ code: 'OUT_OF_RANGE' })
      expect(tooMuch.details).to.include(`it has ${required} bytes, and ${required + 1n} are asked for`)

      await volume.unpublish('pod')
      await volume.unstage()
      await extend(volume)
      await volume.stage()
      expectGrown(await fileSystemBytes(volume.staging), after)
      expect(await readFile(join(volume.staging, 'file'), 'utf8')).to.equal('kept')
    })

  it('does not begin with a size to which btrfs cannot grow', async () => {
    const volume = await fixture.volume('btrfs', 1)
    const before = await sizeOf(volume)
    expect(String(await thrownBy(extend(volume)))).to.include('btrfs grows to 256 MiB at the least')
    expect(await sizeOf(volume)).to.equal(before)
  })

  it('has nothing to grow in a block volume', async () => {
    const volume = await fixture.volume('block')
    await volume.stage()
    await volume.publish('pod')
    const required = await extend(volume)
    expect(await volume.expand(volume.target('pod'), required)).to.deep.equal({ capacityBytes: required })
  })

  it('says so when the volume is mounted read-only, or not at all', async () => {
    const volume = await fixture.volume('ext4')
    expect(await failureOf(volume.expand(volume.target('pod'), 0n))).to.deep.include({
      code: 'FAILED_PRECONDITION',
    })
    await volume.stage()
    await run('mount', '--options', 'remount,ro', volume.staging)
    const failure = await failureOf(volume.expand(volume.staging, 0n))
    expect(failure.code).to.equal('FAILED_PRECONDITION')
    expect(failure.details).to.include('mounted read-only')
  })
})
