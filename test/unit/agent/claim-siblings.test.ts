import { expect } from 'chai'
import { claimNamesOf, podFor, type Pod } from '../../../agent/claim-siblings.ts'

const pod = (name: string, claims: readonly string[], other: Partial<Pod> = {}): Pod => ({
  metadata: { name },
  spec: { volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) },
  ...other,
})

describe('agent/claim-siblings', () => {
  it('finds the claims of a pod, those of generic ephemeral volumes included, each once', () => {
    const volumes = [
      { name: 'data', persistentVolumeClaim: { claimName: 'db' } },
      { name: 'again', persistentVolumeClaim: { claimName: 'db' } },
      { name: 'scratch', ephemeral: {} },
      { name: 'config' },
    ]
    expect(claimNamesOf({ metadata: { name: 'p' }, spec: { volumes } })).to.deep.equal(['db', 'p-scratch'])
    expect(claimNamesOf({ metadata: { name: 'p' }, spec: {} })).to.deep.equal([])
  })

  const rows: [string, readonly Pod[], string | undefined][] = [
    ['none uses it', [pod('a', ['other'])], undefined],
    ['one uses it', [pod('a', ['other']), pod('b', ['db'])], 'b'],
    [
      'one is being deleted',
      [pod('a', ['db'], { metadata: { name: 'a', deletionTimestamp: 't' } })],
      undefined,
    ],
    ['one has failed before it was placed', [pod('a', ['db'], { status: { phase: 'Failed' } })], undefined],
    ['one is pending', [pod('a', ['db'], { status: { phase: 'Pending' } })], 'a'],
    ['two use it: the one that needs most', [pod('a', ['db']), pod('b', ['db', 'log'])], 'b'],
    [
      'two use it: the one nominated for this node',
      [pod('a', ['db'], { status: { nominatedNodeName: 'node1' } }), pod('b', ['db', 'log'])],
      'a',
    ],
    [
      'two use it, one nominated for another node',
      [pod('a', ['db'], { status: { nominatedNodeName: 'node2' } }), pod('b', ['db', 'log'])],
      'b',
    ],
    ['two alike: the same one each time', [pod('b', ['db']), pod('a', ['db'])], 'a'],
  ]
  for (const [what, pods, name] of rows)
    it(`picks the pod of a claim: ${what}`, () =>
      expect(podFor(pods, 'db', 'node1')?.metadata.name).to.equal(name))
})
