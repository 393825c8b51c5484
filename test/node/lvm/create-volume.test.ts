import { expect } from 'chai'

import { CommandFailed, Conflict, NoSpace } from '../../../lvm/errors.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { handMadeLvm, lvmSubcommand, MIB, requestFor } from './fixture.ts'
import { useVolumes } from './volumes-under-test.ts'

describe('lvm/create-volume', function () {
  this.timeout(180_000)
  const tested = useVolumes()

  it('makes an inactive volume of whole extents with its record, and once', async () => {
    const request = requestFor(tested.group, 33n * MIB)
    const made = await tested.volumes.createVolume(request)
    expect(made).to.include({ sizeBytes: 36n * MIB, active: false, open: false, segmentType: 'linear' })
    expect(made.record).to.deep.equal(request.record)
    expect(await tested.volumes.createVolume(request)).to.deep.equal(made)
    expect((await tested.volumes.inventory()).volumes).to.deep.equal([made])
    const other = { ...request, record: { ...request.record, claimUid: 'another' } }
    expect(await thrownBy(tested.volumes.createVolume(other))).to.be.instanceOf(Conflict)
  })

  it('takes one LVM command, and none for what is asked afterwards', async () => {
    await tested.make(8n * MIB)
    tested.forgetCommands()
    const made = await tested.make(8n * MIB)
    expect((await tested.volumes.inventory()).volumes).to.deep.include(made)
    expect(tested.ran()).to.deep.equal(['lvcreate'])
  })

  it('gives all of the group and not one extent more, with numbers', async () => {
    const { freeBytes, extentSizeBytes } = tested.group
    const error = await thrownBy(tested.make(freeBytes + 1n))
    expect(error).to.be.instanceOf(NoSpace)
    expect(error).to.include({ requestedBytes: freeBytes + extentSizeBytes, largestBytes: freeBytes })
    expect((await tested.make(freeBytes)).sizeBytes).to.equal(freeBytes)
    expect(await thrownBy(tested.make(8n * MIB))).to.be.instanceOf(NoSpace)
  })

  it('lets exactly one of two win the last of the space', async () => {
    const size =
      (tested.group.freeBytes / 2n / tested.group.extentSizeBytes + 1n) * tested.group.extentSizeBytes
    const results = await Promise.allSettled([tested.make(size), tested.make(size)])
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected'])
    expect(results[1]).to.have.property('reason').that.is.instanceOf(NoSpace)
  })

  it('sees what was done by hand behind its back', async () => {
    await tested.make(8n * MIB)
    await handMadeLvm('lvcreate', '--yes', '-l', '100%FREE', '-n', 'by-hand', tested.group.name)
    expect(await thrownBy(tested.make(8n * MIB))).to.be.instanceOf(NoSpace)
    await handMadeLvm('lvremove', '--yes', `${tested.group.name}/by-hand`)
    expect((await tested.make(8n * MIB)).sizeBytes).to.equal(8n * MIB)
  })

  it('is not fooled by an lvcreate that returns 0 and makes nothing', async () => {
    const zeroing = (words: readonly string[]): string[] =>
      words.map((word, at) => (words[at - 1] === '--zero' ? 'y' : word))
    const { runner } = tested
    const lying = {
      run: ({ args, shell, ...command }: Parameters<typeof runner.run>[0]) =>
        lvmSubcommand({ ...command, args }) === 'lvcreate'
          ? // the real one with -Zy: "Cannot zero inactive logical volume", status 0
            runner.run({
              ...{ ...command, args: zeroing(args) },
              ...(shell === undefined ? {} : { shell: { ...shell, words: zeroing(shell.words) } }),
            })
          : runner.run({ ...command, args, ...(shell === undefined ? {} : { shell }) }),
    }
    await tested.start(lying)
    const error = await thrownBy(tested.make(8n * MIB))
    await tested.start()
    expect(error).to.be.instanceOf(CommandFailed)
    expect((error as Error).message).to.match(/not made.*exit status 0/)
  })
})
