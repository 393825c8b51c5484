import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { expect } from 'chai'

import type { FileSystem } from '../../../core/volume-tags.ts'
import { thrownBy } from '../../unit/csi-node/thrown-by.ts'
import { run } from '../lvm/fixture.ts'
import { CsiFixture, failureOf, mountedAt, type TestVolume } from './csi-fixture.ts'

const GARBAGE = 0xa5

/** Past what the file system caches: nobody has it mounted. */
const overwrite = async (devicePath: string, offset: number, length: number): Promise<void> => {
  const device = await open(devicePath, 'r+')
  try {
    await device.write(Buffer.alloc(length, GARBAGE), 0, length, offset)
    await device.sync()
  } finally {
    await device.close()
  }
}

const digestOf = async (devicePath: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const part of createReadStream(devicePath)) hash.update(part as Buffer)
  return hash.digest('hex')
}

const exitStatusOf = async (file: string, ...args: string[]): Promise<number | undefined> =>
  (await execa(file, args, { stdin: 'ignore', reject: false })).exitCode

const numberFrom = (text: string, pattern: RegExp): number => {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`nothing like ${pattern.source} in: ${text}`)
  return Number(found)
}

describe('a file system that is damaged', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  before(async () => {
    fixture = await CsiFixture.start()
  })
  afterEach(() => fixture.clearAll())
  after(() => fixture.stop())

  /** A volume that was used, with a file in it; its device is there, and nothing is mounted. */
  const usedVolume = async (
    fileSystem: FileSystem,
    which: number,
  ): Promise<{ volume: TestVolume; devicePath: string }> => {
    const volume = await fixture.volume(fileSystem, which)
    await volume.stage()
    await writeFile(join(volume.staging, 'canary'), 'sings')
    await mkdir(join(volume.staging, 'directory'), { recursive: true })
    await volume.unstage()
    const content = { kind: 'fileSystem', type: fileSystem, mkfsOptions: [] } as const
    const { devicePath } = await fixture.volumes.prepareVolume(volume.handle, content)
    return { volume, devicePath }
  }

  interface Damage {
    readonly fileSystem: FileSystem
    /** The first superblock's own checksum does not fit any more. */
    readonly at: number
    readonly look: string
    readonly repair: (devicePath: string) => Promise<void>
  }
  const damages: Damage[] = [
    {
      fileSystem: 'ext4',
      at: 1024 + 0x60,
      look: 'e2fsck -n -f',
      // 1: errors were corrected (e2fsck(8))
      repair: async (devicePath) => {
        expect(await exitStatusOf('e2fsck', '-f', '-y', devicePath)).to.equal(1)
      },
    },
    {
      fileSystem: 'xfs',
      at: 200,
      look: 'xfs_repair -n',
      repair: async (devicePath) => {
        await run('xfs_repair', devicePath)
      },
    },
  ]
  for (const { fileSystem, at, look, repair } of damages)
    it(`stays as it is when ${fileSystem} cannot be mounted, and is there again after the repair that is documented`, async () => {
      const { volume, devicePath } = await usedVolume(fileSystem, 0)
      await overwrite(devicePath, at, 2)
      const before = await digestOf(devicePath)
      for (const failure of [await failureOf(volume.stage()), await failureOf(volume.stage())]) {
        expect(failure.code).to.equal('INTERNAL')
        expect(failure.details).to.match(/mount failed, exit status 32/)
        expect(failure.details).to.include(`"${look} ${devicePath}"`)
      }
      expect(await mountedAt(volume.staging)).to.equal(undefined)
      expect(await digestOf(devicePath)).to.equal(before)
      await repair(devicePath)
      await volume.stage()
      expect(await readFile(join(volume.staging, 'canary'), 'utf8')).to.equal('sings')
    })

  it('is not written any more once ext4 finds it, and says so until it is checked', async () => {
    const { volume, devicePath } = await usedVolume('ext4', 1)
    const superblock = await run('dumpe2fs', '-h', devicePath)
    const blockBytes = numberFrom(superblock, /^Block size:\s+(\d+)$/m)
    const block = numberFrom(await run('debugfs', '-R', 'blocks /directory', devicePath), /(\d+)/)
    await overwrite(devicePath, block * blockBytes, blockBytes)

    await volume.stage()
    expect(await thrownBy(readdir(join(volume.staging, 'directory')))).to.be.instanceOf(Error)
    expect(await thrownBy(writeFile(join(volume.staging, 'new'), 'x'))).to.have.property('code', 'EROFS')
    const { volumeCondition } = await volume.stats(volume.staging)
    expect(volumeCondition?.message).to.match(/ext4 has met \d+ errors/)

    await volume.unstage()
    await volume.stage()
    expect((await volume.stats(volume.staging)).volumeCondition?.abnormal).to.equal(true)
    await volume.unstage()

    const content = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] } as const
    await fixture.volumes.prepareVolume(volume.handle, content)
    expect(await exitStatusOf('e2fsck', '-f', '-y', devicePath)).to.equal(1)
    await volume.stage()
    expect((await volume.stats(volume.staging)).volumeCondition?.abnormal).to.equal(false)
  })
})
