import { expect } from 'chai'
import { readConfig } from '../../../agent/config.ts'
import { InvalidConfig } from '../../../process/environment.ts'

const environment = { NODE_NAME: 'node1', POD_NAME: 'loam-x', POD_UID: 'u1', POD_NAMESPACE: 'loam-system' }

describe('agent/config', () => {
  it('needs only who and where it is', () => {
    expect(readConfig(environment)).to.include({
      nodeName: 'node1',
      lvm: 'host',
      healthPort: 9808,
      metadataDirectory: '/var/lib/loam/metadata',
      orphanGraceMs: 600_000,
    })
  })

  it('names every fault at once', () => {
    const faulty = {
      ...environment,
      NODE_NAME: 'n'.repeat(64),
      LOAM_LVM: 'maybe',
      LOAM_CSI_CREATE_DELETE: 'yes',
      LOAM_HEALTH_PORT: '70000',
      LOAM_SYSTEM_DIRECTORY: 'run',
      LOAM_ERASE_SHARE_PERCENT: '0',
    }
    expect(() => readConfig(faulty)).to.throw(
      InvalidConfig,
      /LOAM_LVM is "maybe": allowed are host, image.*LOAM_SYSTEM_DIRECTORY.*|LOAM_SYSTEM_DIRECTORY.*LOAM_HEALTH_PORT/,
    )
    for (const name of [
      'NODE_NAME has 64 characters',
      'LOAM_LVM',
      'LOAM_HEALTH_PORT',
      'LOAM_SYSTEM_DIRECTORY',
      'LOAM_ERASE_SHARE_PERCENT is "0": allowed are whole numbers from 1 to 100',
    ]) {
      expect(() => readConfig(faulty)).to.throw(name)
    }
  })

  for (const missing of Object.keys(environment)) {
    it(`refuses to start without ${missing}`, () => {
      expect(() => readConfig({ ...environment, [missing]: undefined })).to.throw(
        InvalidConfig,
        `${missing} is not set`,
      )
    })
  }
})
