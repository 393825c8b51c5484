import { resolve } from 'node:path'
import { expect } from 'chai'
import { labDirectory } from '../../../lab/runtime/directory.ts'

describe('directory of a lab', () => {
  it('gives the same names for the same place, however it is written', () => {
    const relative = labDirectory('some/../place')
    expect(relative.root).to.equal(resolve('place'))
    expect(relative.namespace).to.equal(labDirectory(resolve('place')).namespace)
  })

  it('gives every place a namespace of its own', () => {
    expect(labDirectory('/a').namespace).not.to.equal(labDirectory('/b').namespace)
  })

  it('refuses a place too deep for a socket, and says how long it may be', () => {
    expect(() => labDirectory(`/${'deep/'.repeat(20)}`)).to.throw(/too long.*at most \d+ bytes/)
  })

  it('refuses a place that a kernel command line cannot name', () => {
    expect(() => labDirectory('/a b')).to.throw(/"\/a b".*space/)
  })
})
