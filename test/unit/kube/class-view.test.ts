import { expect } from 'chai'
import { viewClass } from '../../../kube/class-view.ts'

describe('kube/class-view', () => {
  it('keeps the terms of a class of ours, and drops classes of others', () => {
    const allowedTopologies = [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }]
    const base = { metadata: { name: 'fast' }, allowedTopologies }
    expect(viewClass({ ...base, provisioner: 'loam.storage' })?.allowedTopologies).to.equal(allowedTopologies)
    expect(viewClass({ ...base, provisioner: 'other' })).to.equal(undefined)
  })

  it('binds at once unless the class says otherwise, as the API server has it', () => {
    const base = { metadata: { name: 'fast' }, provisioner: 'loam.storage' }
    expect(viewClass(base)?.bindingMode).to.equal('Immediate')
    expect(viewClass({ ...base, volumeBindingMode: 'WaitForFirstConsumer' })?.bindingMode).to.equal(
      'WaitForFirstConsumer',
    )
  })
})
