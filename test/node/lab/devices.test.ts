import { readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'

// What every other test in this folder builds on: a machine with real block devices.

const disks = (process.env.LOAM_TEST_DISKS ?? '').split(',')

const run = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await execa(program, args)).stdout

const queueSetting = async (disk: string, setting: string): Promise<string> => {
  const name = basename(await realpath(disk))
  return (await readFile(`/sys/block/${name}/queue/${setting}`, 'utf8')).trim()
}

describe('the machine that tests run on', function () {
  this.timeout(60_000)

  it('has SCSI disks of 1 GiB, each with a serial number and a name of its own', async () => {
    const report = await run(
      'lsblk',
      '--json',
      '--bytes',
      '--nodeps',
      '--output',
      'SIZE,TRAN,SERIAL,WWN',
      ...disks,
    )
    const { blockdevices } = JSON.parse(report) as {
      blockdevices: { size: number; serial: string; wwn: string }[]
    }
    expect(blockdevices).to.have.length(3)
    expect(blockdevices.map(({ size }) => size)).to.deep.equal([2 ** 30, 2 ** 30, 2 ** 30])
    expect(new Set(blockdevices.map(({ serial }) => serial)).size).to.equal(3)
    expect(new Set(blockdevices.map(({ wwn }) => wwn)).size).to.equal(3)
  })

  it('has disks with a write cache that must be flushed', async () => {
    for (const disk of disks) expect(await queueSetting(disk, 'write_cache')).to.equal('write back')
  })

  it('has disks that read as zeros where they were discarded', async () => {
    const [disk = ''] = disks
    await run('dd', 'if=/dev/urandom', `of=${disk}`, 'bs=1M', 'count=1', 'oflag=direct')
    await run('blkdiscard', disk)
    const { stdout } = await execa('head', ['-c', '1048576', disk], { encoding: 'buffer' })
    expect(Buffer.from(stdout).equals(Buffer.alloc(2 ** 20))).to.equal(true)
  })

  it('has loop devices', async () => {
    const file = '/dev/shm/loop.img'
    await writeFile(file, '')
    await truncate(file, 2 ** 24)
    const device = (await run('losetup', '--find', '--show', file)).trim()
    try {
      expect(await run('blockdev', '--getsize64', device)).to.equal(String(2 ** 24))
    } finally {
      await run('losetup', '--detach', device)
      await rm(file)
    }
  })

  it('has device mapper, udev and mounts: a logical volume gets its link and a file system', async () => {
    await run('vgcreate', 'machine', ...disks)
    try {
      await run('lvcreate', '--yes', '--size', '64M', '--name', 'volume', 'machine')
      await run('mkfs.ext4', '-q', '/dev/machine/volume')
      await run('mount', '/dev/machine/volume', '/mnt')
      expect(await run('findmnt', '--noheadings', '--output', 'SOURCE,FSTYPE', '/mnt')).to.match(
        /^\/dev\/mapper\/machine-volume +ext4/,
      )
      await run('umount', '/mnt')
    } finally {
      await run('vgremove', '--force', 'machine')
      await run('pvremove', ...disks)
      // the file system's bytes stay where the volume was, and the next test wants blank disks
      for (const disk of disks) await run('blkdiscard', disk)
    }
  })
})
