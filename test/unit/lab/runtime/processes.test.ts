import { expect } from 'chai'
import { isAlive, ownRecord } from '../../../lab/runtime/processes.ts'

describe('record of a process', () => {
  it('is alive while the process is', async () => {
    expect(await isAlive(await ownRecord())).to.equal(true)
  })

  it('is not alive when another process has got its number', async () => {
    expect(await isAlive({ ...(await ownRecord()), startTime: '1' })).to.equal(false)
  })

  it('is not alive when nobody has its number', async () => {
    // Process numbers end at 2^22 (proc(5), pid_max).
    expect(await isAlive({ name: 'nobody', pid: 2 ** 22 + 1, startTime: '1' })).to.equal(false)
  })
})
