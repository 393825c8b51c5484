import { expect } from 'chai'
import { InvalidConfig } from '../../../process/environment.ts'
import { readConfig } from '../../../scheduler/config.ts'

const ENVIRONMENT = { POD_NAME: 'loam-scheduler-x', POD_UID: 'u1', POD_NAMESPACE: 'loam-system' }

describe('scheduler/config', () => {
  it('needs only who and where it is', () => {
    expect(readConfig(ENVIRONMENT)).to.deep.equal({
      ...{ namespace: 'loam-system', podName: 'loam-scheduler-x', podUid: 'u1' },
      ...{ healthPort: 9809, extender: undefined, logLevel: 'info' },
    })
  })

  it('names every fault at once', () => {
    const faulty = { POD_NAME: 'x', LOAM_HEALTH_PORT: '70000', LOAM_LOG_LEVEL: 'loud' }
    for (const fault of ['POD_UID is not set', 'POD_NAMESPACE is not set', '"70000"', '"loud"'])
      expect(() => readConfig(faulty)).to.throw(InvalidConfig, fault)
  })
})
