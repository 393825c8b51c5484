import { expect } from 'chai'
import {
  filterResultText,
  InvalidExtenderArgs,
  InvalidNodeNames,
  readExtenderArgs,
} from '../../../scheduler/extender-wire.ts'

const METADATA = { namespace: 'shop', name: 'web', uid: 'u1' }
const POD = { metadata: METADATA, spec: { volumes: [] } }
const read = (args: unknown) => readExtenderArgs(JSON.stringify(args))

describe('scheduler/extender-wire', () => {
  it('reads of a pod what says which claims it has, and the names of the nodes', () => {
    const template = { storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } }
    const volumes = [
      { name: 'data', persistentVolumeClaim: { claimName: 'cart' } },
      { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: template } } },
      { name: 'token' },
    ]
    const Pod = {
      metadata: { ...METADATA, creationTimestamp: null, labels: { app: 'web' } },
      spec: { volumes: [...volumes.slice(0, 2), { name: 'token', projected: {} }], containers: [] },
      status: {},
    }
    expect(read({ Pod, Nodes: null, NodeNames: ['n1', 'n2'] })).to.deep.equal({
      pod: { metadata: METADATA, spec: { volumes } },
      nodeNames: ['n1', 'n2'],
    })
  })

  it('takes a pod without volumes, and no node at all', () => {
    const args = { pod: POD, nodeNames: [] }
    expect(read({ Pod: { metadata: METADATA, spec: {} }, NodeNames: [] })).to.deep.equal(args)
  })

  it('writes every node with why it is refused, whatever the names and texts are', () => {
    const refused = new Map([
      ['has "0 B"\n', ['n2', '__proto__', 'quote"s']],
      ['is not ready', ['n3']],
    ])
    const byNode = {
      n2: 'has "0 B"\n',
      ['__proto__']: 'has "0 B"\n',
      'quote"s': 'has "0 B"\n',
      n3: 'is not ready',
    }
    expect(JSON.parse(filterResultText({ nodeNames: ['n1'], refused }))).to.deep.equal({
      ...{ NodeNames: ['n1'], FailedNodes: {}, FailedAndUnresolvableNodes: byNode, Error: '' },
    })
    expect(JSON.parse(filterResultText({ nodeNames: [], refused: new Map() }, 'say "no"'))).to.deep.equal({
      ...{ NodeNames: [], FailedNodes: {}, FailedAndUnresolvableNodes: {}, Error: 'say "no"' },
    })
  })

  const NO_REQUESTS: Readonly<Record<string, readonly [text: string, says: string]>> = {
    'no JSON': ['{"Pod":', 'it is not JSON: '],
    'an empty body': ['', 'it is not JSON: '],
    null: ['null', 'it is not an object: one with Pod and NodeNames is allowed'],
    'a list': ['[]', 'it is not an object'],
    'keys of another case': ['{"pod":{},"nodenames":[]}', 'it has no Pod'],
    'a pod that is null': ['{"Pod":null,"NodeNames":[]}', 'it has no Pod'],
    'a pod without a name': [
      '{"Pod":{"metadata":{"namespace":"a","uid":"u"},"spec":{}}}',
      'Pod.metadata.name: ',
    ],
    'a claim without a name': [
      JSON.stringify({
        Pod: { metadata: METADATA, spec: { volumes: [{ name: 'a', persistentVolumeClaim: {} }] } },
      }),
      'Pod.spec.volumes.0.persistentVolumeClaim.claimName: ',
    ],
  }
  for (const [what, [text, says]] of Object.entries(NO_REQUESTS))
    it(`refuses ${what}`, () => {
      expect(() => readExtenderArgs(text)).to.throw(InvalidExtenderArgs, `request of kube-scheduler: ${says}`)
    })

  const NO_NAMES: Readonly<Record<string, readonly [args: object, says: string]>> = {
    'whole nodes': [{ Nodes: { items: [] }, NodeNames: null }, 'Nodes in place of NodeNames'],
    'neither nodes nor names': [{ Nodes: null }, 'no NodeNames'],
    'names that are no list': [{ NodeNames: 'n1' }, 'NodeNames of type string: a list is allowed'],
    'a name that is none': [{ NodeNames: ['n1', 7] }, 'an element of type number in NodeNames'],
  }
  for (const [what, [args, says]] of Object.entries(NO_NAMES))
    it(`says of ${what} how kube-scheduler has to be configured`, () => {
      const attempt = () => read({ Pod: POD, ...args })
      expect(attempt).to.throw(InvalidNodeNames, `Pod "shop/web": kube-scheduler sent ${says}`)
      expect(attempt).to.throw('"nodeCacheCapable: true" in KubeSchedulerConfiguration')
    })
})
