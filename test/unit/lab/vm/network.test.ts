import { expect } from 'chai'
import { namespaceOf } from '../../../lab/vm/network.ts'

describe('network namespace of a lab', () => {
  it('is named by its state directory: always the same, never that of another lab', () => {
    expect(namespaceOf('/a/lab'))
      .to.equal(namespaceOf('/a/lab'))
      .and.to.match(/^loam-[0-9a-f]{10}$/)
    expect(namespaceOf('/a/lab')).not.to.equal(namespaceOf('/b/lab'))
  })
})
