import { expect } from 'chai'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { ClaimView } from '../../../kube/claim-view.ts'
import type { FreeVolume } from '../../../scheduler/volume-view.ts'
import { claimOf, MIB, reportOf } from './fixture.ts'
import { clusterOf, podWith, waiting, type Cluster } from './reckoned.ts'

const claim = (name: string, storage: string, other: Partial<ClaimView> = {}): ClaimView => ({
  ...claimOf(storage, { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: '7' }),
  ...other,
})
const put = (cluster: Cluster, ...claims: ClaimView[]): void => {
  for (const each of claims) cluster.claims.put(`shop/${each.name}`, each)
}
/** What the agent of a node reports, with the free extents of each disk. */
const report = (
  nodeName: string,
  storageClassName: string,
  runs: number[][],
  room: Partial<NonNullable<NonNullable<NodeLocalStorage['status']>['room']>> = {},
): NodeLocalStorage => {
  const { metadata, spec, status } = reportOf(nodeName, '1Mi')
  return {
    metadata: { ...metadata, resourceVersion: '9' },
    spec: { ...spec, storageClassName },
    status: { ...status, room: { disks: runs.map((each) => ({ runs: each })), ...room } },
  }
}

describe('scheduler/extender', () => {
  it('lets a pod that needs nothing of Loam go anywhere, without a look at the cluster', () => {
    const cluster = clusterOf({})
    const nodeNames = ['a', 'b']
    for (const pod of [podWith('web'), podWith('other', 'of-another-driver')])
      expect(cluster.extender.filter({ pod, nodeNames })).to.deep.equal({ nodeNames, refused: new Map() })
    expect(cluster.pods.bytes).to.equal(0)
  })

  it('adds up all claims of a pod, and says with numbers what is lacking where', () => {
    const cluster = clusterOf({ small: '99Mi', large: '100Mi' })
    put(cluster, claim('a', '50Mi'), claim('b', '50Mi'))
    const { NodeNames, FailedNodes, FailedAndUnresolvableNodes } = cluster.filter(podWith('db', 'a', 'b'))
    expect(NodeNames).to.deep.equal(['large'])
    expect(FailedNodes).to.deep.equal({})
    expect(FailedAndUnresolvableNodes).to.deep.equal({
      small: 'has 99 MiB free in volume group "loam-fast" and 2 volumes of 100 MiB to make',
    })
    expect(cluster.refused).to.deep.equal(['NoRoom'])
  })

  it('counts a claim once that two volumes of a pod have', () => {
    const cluster = clusterOf({ node: '60Mi' })
    put(cluster, claim('a', '50Mi'))
    expect(cluster.filter(podWith('db', 'a', 'a')).NodeNames).to.deep.equal(['node'])
  })

  it('counts a volume that was made, until a report says that it counts it', () => {
    const cluster = clusterOf({ node: '100Mi' })
    const made = claim('a', '40Mi', { selectedNode: 'node' })
    put(cluster, made, claim('b', '50Mi'))
    cluster.claims.put('shop/a', undefined)
    cluster.reports.put('node', report('node', 'fast', [[80]]))
    const { FailedAndUnresolvableNodes } = cluster.filter(podWith('db', 'b'))
    expect(FailedAndUnresolvableNodes.node, 'reckoned before the volume').to.match(/has 40 MiB free/)
    cluster.reports.put('node', report('node', 'fast', [[60]], { countedClaims: [made.uid] }))
    expect(cluster.filter(podWith('db', 'b')).NodeNames).to.deep.equal(['node'])
  })

  it('counts what is on its way to other claims, unless the report has taken it off', () => {
    const cluster = clusterOf({ node: '100Mi' })
    const other = claim('other', '60Mi', { selectedNode: 'node' })
    put(cluster, claim('a', '50Mi'), other)
    const { FailedAndUnresolvableNodes } = cluster.filter(podWith('db', 'a'))
    expect(FailedAndUnresolvableNodes.node).to.match(
      /has 40 MiB free .*, 60 MiB more is on its way to other claims$/,
    )
    cluster.reports.put('node', report('node', 'fast', [[60]], { countedClaims: [other.uid] }))
    expect(cluster.filter(podWith('db', 'a')).NodeNames).to.deep.equal(['node'])
    cluster.claims.put('shop/other', undefined)
    expect(cluster.filter(podWith('db', 'a')).NodeNames, 'when it is made').to.deep.equal(['node'])
  })

  it('holds room for a pod on each node that it may go to, until its claims name one', () => {
    const cluster = clusterOf({ one: '60Mi', two: '60Mi' })
    put(cluster, claim('a', '50Mi'), claim('b', '50Mi'))
    expect(cluster.filter(podWith('first', 'a')).NodeNames).to.deep.equal(['one', 'two'])
    expect(cluster.filter(podWith('second', 'b')).NodeNames).to.deep.equal([])
    // asked about again, a pod does not stand in its own way
    expect(cluster.filter(podWith('first', 'a')).NodeNames).to.deep.equal(['one', 'two'])
    put(cluster, claim('a', '50Mi', { selectedNode: 'one' }))
    expect(cluster.filter(podWith('second', 'b')).NodeNames).to.deep.equal(['two'])
  })

  it('takes a pod to the node that its claim has, and needs no room there that the report counts already', () => {
    const cluster = clusterOf({ one: '60Mi', two: '60Mi' })
    const chosen = claim('a', '50Mi', { selectedNode: 'one' })
    put(cluster, chosen)
    const { NodeNames, FailedAndUnresolvableNodes } = cluster.filter(podWith('db', 'a'))
    expect(NodeNames).to.deep.equal(['one'])
    expect(FailedAndUnresolvableNodes).to.deep.equal({
      two: 'PersistentVolumeClaim "a" is given to node "one"',
    })
    cluster.reports.put('one', report('one', 'fast', [[10]], { countedClaims: [chosen.uid] }))
    expect(cluster.filter(podWith('db', 'a')).NodeNames).to.deep.equal(['one'])
  })

  it('plans layouts as the node does: legs on disks of their own, in one run', () => {
    const cluster = clusterOf({})
    cluster.classes.put('safe', waiting('safe', { layout: 'raid1' }))
    const disks: Record<string, number[][]> = {
      fits: [[60], [60]],
      onOneDisk: [[200]],
      inPieces: [[30, 30], [60]],
      together: [[55], [55]],
    }
    for (const [name, runs] of Object.entries(disks)) cluster.reports.put(name, report(name, 'safe', runs))
    put(cluster, claim('a', '50Mi', { storageClassName: 'safe' }))
    const { NodeNames, FailedAndUnresolvableNodes } = cluster.filter(
      podWith('db', 'a'),
      ...Object.keys(disks),
    )
    expect(NodeNames).to.deep.equal(['fits', 'together'])
    expect(FailedAndUnresolvableNodes.inPieces).to.match(/at most 29 MiB for the one that does not fit$/)
    put(cluster, claim('b', '8Mi', { storageClassName: 'safe' }))
    expect(cluster.filter(podWith('db', 'a', 'b'), ...Object.keys(disks)).NodeNames).to.deep.equal(['fits'])
  })

  it('adds up classes that share a volume group, from its newest report', () => {
    const cluster = clusterOf({ node: '500Mi' })
    cluster.classes.put('mirrored', waiting('mirrored', { layout: 'raid1' }))
    cluster.reports.put('mirrored', report('node', 'mirrored', [[100], [100]]))
    put(cluster, claim('a', '50Mi'), claim('b', '60Mi', { storageClassName: 'mirrored' }))
    expect(cluster.filter(podWith('db', 'a', 'b')).NodeNames).to.deep.equal(['node'])
    put(cluster, claim('a', '90Mi'))
    expect(cluster.filter(podWith('db', 'a', 'b')).NodeNames).to.deep.equal([])
  })

  it('reckons with what a thin pool may promise', () => {
    const cluster = clusterOf({})
    cluster.classes.put('thin', waiting('thin', { layout: 'thin', overprovisionRatio: '2' }))
    const thinPool = { data: 10, volumes: 120, describable: 1000 }
    cluster.reports.put('node', report('node', 'thin', [[90]], { thinPool }))
    cluster.reports.put('none', report('none', 'thin', [[90]]))
    put(
      cluster,
      claim('a', '40Mi', { storageClassName: 'thin' }),
      claim('b', '40Mi', { storageClassName: 'thin' }),
    )
    const pod = podWith('db', 'a', 'b')
    expect(cluster.filter(pod, 'node', 'none').NodeNames).to.deep.equal(['node'])
    put(cluster, claim('b', '41Mi', { storageClassName: 'thin' }))
    expect(cluster.filter(pod, 'node', 'none').NodeNames).to.deep.equal([])
  })

  it('needs no room for a claim that gets a volume which is there', () => {
    const cluster = clusterOf({ full: '5Mi', free: '100Mi' })
    const free: FreeVolume = {
      ...{ name: 'static', nodeName: 'full', storageClassName: 'fast', capacityBytes: 60n * MIB },
      ...{ accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', claimedBy: undefined },
    }
    cluster.volumes.put('static', { unmarked: undefined, free })
    put(cluster, claim('a', '50Mi'), claim('b', '50Mi'))
    expect(cluster.filter(podWith('one', 'a')).NodeNames).to.deep.equal(['full', 'free'])
    expect(cluster.filter(podWith('two', 'a', 'b'), 'full').NodeNames, 'it serves one').to.deep.equal([])
    cluster.volumes.put('static', { unmarked: undefined, free: { ...free, claimedBy: 'other/claim' } })
    expect(cluster.filter(podWith('one', 'a'), 'full').NodeNames, 'it is promised').to.deep.equal([])
  })

  it('reads the claim of a generic ephemeral volume from its template, until it is there', () => {
    const cluster = clusterOf({ small: '40Mi', large: '60Mi' })
    const pod = podWith('db')
    const spec = { storageClassName: 'fast', resources: { requests: { storage: '50Mi' } } }
    const ephemeral = { volumeClaimTemplate: { spec } }
    const withTemplate = { ...pod, spec: { volumes: [{ name: 'scratch', ephemeral }] } }
    expect(cluster.filter(withTemplate).NodeNames).to.deep.equal(['large'])
    put(cluster, claim('db-scratch', '30Mi'))
    expect(cluster.filter(withTemplate).NodeNames).to.deep.equal(['small', 'large'])
  })

  it('says why a class can have nothing on a node', () => {
    const cluster = clusterOf({ good: '99Mi', empty: '0' })
    cluster.reports.put('frozen', reportOf('frozen', '99Mi', { status: 'False', reason: 'Frozen' }))
    const { metadata, spec, status: { volumeGroup, conditions } = {} } = reportOf('silent', '99Mi')
    if (volumeGroup === undefined || conditions === undefined) throw new Error('the report is not whole')
    cluster.reports.put('silent', { metadata, spec, status: { volumeGroup, conditions } })
    put(cluster, claim('a', '10Mi'))
    const nodes = ['good', 'empty', 'frozen', 'silent', 'diskless']
    expect(cluster.filter(podWith('db', 'a'), ...nodes).FailedAndUnresolvableNodes).to.deep.equal({
      empty: 'has 0 B free in volume group "loam-fast" and 1 volume of 10 MiB to make',
      frozen: 'is not ready for volumes of StorageClass "fast" (Frozen)',
      silent: 'offers no room in volume group "loam-fast" yet',
      diskless: 'has no disks for StorageClass "fast"',
    })
  })

  it('keeps to allowedTopologies', () => {
    const cluster = clusterOf({ a: '99Mi', b: '99Mi' })
    const allowedTopologies = [{ matchLabelExpressions: [{ key: 'zone', values: ['one'] }] }]
    cluster.classes.put('fast', waiting('fast', {}, { allowedTopologies }))
    cluster.nodes.put('a', { labels: { zone: 'one' }, unfit: undefined })
    put(cluster, claim('c', '10Mi'))
    const { NodeNames, FailedAndUnresolvableNodes } = cluster.filter(podWith('db', 'c'))
    expect(NodeNames).to.deep.equal(['a'])
    expect(FailedAndUnresolvableNodes.b).to.equal('is not among the allowedTopologies of StorageClass "fast"')
  })

  it('tells what is wrong with the parameters of a class, once for all nodes', () => {
    const cluster = clusterOf({ a: '99Mi' })
    cluster.classes.put('fast', waiting('fast', { layout: 'sideways' }))
    put(cluster, claim('c', '10Mi'))
    expect(cluster.filter(podWith('db', 'c')).FailedAndUnresolvableNodes.a).to.match(
      /"sideways": allowed are linear/,
    )
  })

  it('gives each node its own numbers, also between nodes that are full alike', () => {
    const cluster = clusterOf({ one: '8Mi', two: '8Mi', three: '12Mi', four: '8Mi' })
    put(cluster, claim('a', '20Mi'))
    const lack = (free: string): string =>
      `has ${free} free in volume group "loam-fast" and 1 volume of 20 MiB to make`
    expect(cluster.filter(podWith('db', 'a')).FailedAndUnresolvableNodes).to.deep.equal({
      ...{ one: lack('8 MiB'), two: lack('8 MiB'), three: lack('12 MiB'), four: lack('8 MiB') },
    })
  })

  it('gives thirty texts at most, and then one that nodes share', () => {
    const rooms = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`n${at}`, `${at}Mi`]))
    const cluster = clusterOf(rooms)
    put(cluster, claim('a', '1Gi'))
    const texts = new Set(Object.values(cluster.filter(podWith('db', 'a')).FailedAndUnresolvableNodes))
    expect(texts).to.have.property('size', 31)
    expect([...texts].at(-1)).to.equal('cannot have its volumes')
  })

  it('leaves alone what Loam makes no volume for', () => {
    const cluster = clusterOf({ full: '1Mi' })
    cluster.classes.put('at-once', waiting('at-once', {}, { volumeBindingMode: 'Immediate' }))
    put(
      cluster,
      claim('bound', '50Mi', { hasVolume: true }),
      claim('chooses', '50Mi', { hasSelector: true }),
      claim('placed', '50Mi', { storageClassName: 'at-once' }),
      claim('foreign', '50Mi', { storageClassName: 'other' }),
      claim('populated', '50Mi', { dataSource: { apiGroup: 'x', kind: 'Image', name: 'y' } }),
    )
    const pod = podWith('db', 'bound', 'chooses', 'placed', 'foreign', 'populated')
    expect(cluster.filter(pod).NodeNames).to.deep.equal(['full'])
  })

  it('prefers the node with most room left, or the one with least, as the class says', () => {
    const cluster = clusterOf({ tight: '60Mi', middle: '100Mi', wide: '150Mi' })
    put(cluster, claim('a', '50Mi'))
    expect(cluster.scores(podWith('db', 'a'))).to.deep.equal({ tight: 1, middle: 5, wide: 10 })
    cluster.classes.put('fast', waiting('fast', { scoring: 'binpack' }))
    expect(cluster.scores(podWith('db', 'a'))).to.deep.equal({ tight: 9, middle: 5, wide: 0 })
    put(cluster, claim('a', '80Mi'))
    expect(cluster.scores(podWith('db', 'a')), 'no longer let through').to.include({ tight: 0, wide: 0 })
    expect(cluster.scores(podWith('web'))).to.deep.equal({ tight: 0, middle: 0, wide: 0 })
  })
})
