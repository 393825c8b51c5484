import { expect } from 'chai'
import { stat } from 'node:fs/promises'

import { deviceNumberOf } from '../../../lvm/device-number.ts'

describe('device number', () => {
  it('agrees with the kernel about a device that everybody has', async () => {
    expect(deviceNumberOf((await stat('/dev/null')).rdev)).to.equal('1:3')
  })

  it('reads minors beyond 255', () => {
    // gnu_dev_makedev(254, 300)
    expect(deviceNumberOf((254 << 8) | (300 & 0xff) | ((300 & ~0xff) * 2 ** 12))).to.equal('254:300')
  })
})
