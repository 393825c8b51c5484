import { expect } from 'chai'
import { cutNote, eventObject, microTime } from '../../../kube/event-object.ts'

const REPORTER = { controller: 'loam.storage/agent', instance: 'node1' }

describe('event object', () => {
  it('has six digits of a second', () => {
    expect(microTime(new Date(1_764_000_000_007))).to.equal('2025-11-24T16:00:00.007000Z')
  })

  it('keeps a note that fits and cuts one that does not, at a whole character', () => {
    expect(cutNote('a'.repeat(1024))).to.have.length(1024)
    const cut = cutNote('ä'.repeat(513))
    expect(cut).to.equal(`${'ä'.repeat(510)}…`)
    expect(Buffer.byteLength(cut)).to.equal(1023)
    expect(cutNote('a'.repeat(1025))).to.equal(`${'a'.repeat(1021)}…`)
  })

  it('stays within the length of names', () => {
    const regarding = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      name: `${'a'.repeat(235)}.${'b'.repeat(17)}`,
      uid: 'u',
    }
    const event = { type: 'Normal', reason: 'R', action: 'A', message: 'm', regarding } as const
    const { metadata } = eventObject(event, REPORTER, new Date())
    expect(metadata.name).to.match(/^a{235}\.[0-9a-f]{16}$/)
    expect(metadata.namespace).to.equal('default')
  })
})
