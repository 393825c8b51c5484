import { expect } from 'chai'

import { CallPending } from '../../../csi-node/errors.ts'
import { VolumeLocks } from '../../../csi-node/volume-locks.ts'
import { OutcomeUnknown } from '../../../lvm/errors.ts'
import { thrownBy } from './thrown-by.ts'

const ready = (): Promise<string> => Promise.resolve('done')

describe('VolumeLocks', () => {
  it('refuses a second call for a volume and names the first', async () => {
    const locks = new VolumeLocks()
    const first = Promise.withResolvers<string>()
    const running = locks.run('a', 'NodeStageVolume', () => first.promise)
    const error = await thrownBy(locks.run('a', 'NodePublishVolume', ready))
    expect(error).to.be.instanceOf(CallPending)
    expect(error.message).to.include('NodeStageVolume is still running')
    first.resolve('first')
    expect(await running).to.equal('first')
    expect(await locks.run('a', 'NodePublishVolume', ready)).to.equal('done')
  })

  it('keeps volumes apart', async () => {
    const locks = new VolumeLocks()
    const first = Promise.withResolvers<string>()
    const running = locks.run('a', 'NodeStageVolume', () => first.promise)
    expect(await locks.run('b', 'NodeStageVolume', ready)).to.equal('done')
    first.resolve('')
    await running
  })

  it('unlocks after an error', async () => {
    const locks = new VolumeLocks()
    const failing = locks.run('a', 'NodeStageVolume', () => Promise.reject(new Error('broken')))
    expect((await thrownBy(failing)).message).to.equal('broken')
    expect(await locks.run('a', 'NodeStageVolume', ready)).to.equal('done')
  })

  it('stays locked while a program runs that outlived the wait for it', async () => {
    const locks = new VolumeLocks()
    const program = Promise.withResolvers<undefined>()
    const unknown = new OutcomeUnknown('command "mount"', 'not over after 1 s', { ended: program.promise })
    await thrownBy(locks.run('a', 'NodeStageVolume', () => Promise.reject(unknown)))
    expect(await thrownBy(locks.run('a', 'NodeStageVolume', ready))).to.be.instanceOf(CallPending)
    program.resolve(undefined)
    await program.promise
    expect(await locks.run('a', 'NodeStageVolume', ready)).to.equal('done')
  })
})
