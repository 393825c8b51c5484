import { expect } from 'chai'
import { requireFio } from '../../../bench/csi/fio-program.ts'
import { thrownBy } from '../../csi-node/thrown-by.ts'

describe('program fio', () => {
  it('is asked for by the name of its package when it is not there', async () => {
    const { message } = await thrownBy(requireFio('no-such-program'))
    expect(message).to.equal(
      'no-such-program is not on PATH, and this bench runs it in the VM: apt-get install fio',
    )
  })
})
