import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'
import { registrationSocketName } from '../../../csi-node/registration-socket.ts'

import { silentLogger } from '../../../core/logger.ts'
import { Registration } from '../../../csi-node/registration.ts'
import { ask, succeeds, startCsiNode, until, type CsiHarness } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'

const HANDLE = {
  groupUuid: 'abcdef-0123-4567-89ab-cdef-0123-456789',
  volumeUuid: 'ghijkl-0123-4567-89ab-cdef-0123-456789',
}

describe('Registration', () => {
  let csi: CsiHarness
  beforeEach(async () => {
    csi = await startCsiNode({ volumes: new MemoryVolumes(HANDLE) })
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  const getInfo = () => ask((done) => csi.registration.getInfo({}, done))
  const notify = (pluginRegistered: boolean, error = '') =>
    ask((done) => csi.registration.notifyRegistrationStatus({ pluginRegistered, error }, done))
  const socketIdentity = async (): Promise<bigint | undefined> => {
    const path = join(csi.kubeletDirectory, 'plugins_registry', registrationSocketName())
    return (await stat(path, { bigint: true }).catch(() => undefined))?.ctimeNs
  }

  it('tells kubelet the driver and where its socket is, each time that it asks', async () => {
    const info = {
      type: 'CSIPlugin',
      name: 'loam.storage',
      endpoint: join(csi.kubeletDirectory, 'plugins/loam.storage/csi.sock'),
      supportedVersions: ['1.0.0'],
    }
    expect(await getInfo()).to.deep.equal(info)
    await notify(true)
    expect(await getInfo()).to.deep.equal(info)
  })

  it('is registered once kubelet has said so', async () => {
    expect(csi.node.health()).to.deep.equal({ listening: true, registered: false, problem: undefined })
    await getInfo()
    expect(csi.node.health().registered).to.equal(false)
    await notify(true)
    expect(csi.node.health()).to.deep.equal({ listening: true, registered: true, problem: undefined })
  })

  it('says what kubelet did not like, offers its socket anew, and gets registered then', async () => {
    const before = await socketIdentity()
    await notify(false, 'topology value collision')
    expect(csi.node.health()).to.deep.equal({
      listening: true,
      registered: false,
      problem: 'kubelet refused the driver: topology value collision',
    })
    await until(async () => {
      const now = await socketIdentity()
      return now !== undefined && now !== before
    })
    await until(() => succeeds(notify(true)))
    expect(csi.node.health()).to.deep.equal({ listening: true, registered: true, problem: undefined })
  })

  it('waits longer after each refusal, a minute at most, and short again after a success', () => {
    let now = 0
    const registration = new Registration({ endpoint: '/x', log: silentLogger, now: () => now })
    const waits: number[] = []
    for (let refusal = 0; refusal < 8; refusal++) {
      registration.notify(false, 'no')
      const { state } = registration
      if (state.kind !== 'refused') throw new Error(`it is ${state.kind}`)
      waits.push(state.retryAt - now)
      expect(registration.takeRetry()).to.equal(false)
      now = state.retryAt
      expect(registration.takeRetry()).to.equal(true)
      expect(registration.takeRetry()).to.equal(false)
    }
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    registration.notify(true, '')
    registration.notify(false, 'no')
    expect(registration.state).to.include({ kind: 'refused', retryAt: now + 1000 })
  })
})
