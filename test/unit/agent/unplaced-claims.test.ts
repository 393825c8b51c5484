import { expect } from 'chai'
import { listNodes } from '../../../agent/unplaced-claims.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'

const report = (nodeName: string, free: string, largestVolume: string): NodeLocalStorage => ({
  metadata: { name: nodeName },
  spec: { nodeName, storageClassName: 'fast', volumeGroup: 'loam-fast', layout: 'raid1', disks: [] },
  status: {
    volumeGroup: {
      ...{ name: 'loam-fast', uuid: 'g', size: '4Gi', extentSize: '4Mi', volumes: 0, missingDisks: 0 },
      ...{ seqno: 1, digest: 'd', free, largestVolume },
    },
  },
})

describe('agent/unplaced-claims', () => {
  it('says of each node the largest volume and what is free, the roomiest first', () => {
    const reports = [report('node1', '3Gi', '1Gi'), report('node2', '2Gi', '1536Mi')]
    expect(listNodes(reports)).to.equal('node2 1.5 GiB of 2 GiB free, node1 1 GiB of 3 GiB free')
  })

  it('names a node that has told nothing yet as one without space', () => {
    const { metadata, spec } = report('node1', '0', '0')
    expect(listNodes([{ metadata, spec }])).to.equal('node1 0 B of 0 B free')
  })

  it('names eight nodes, so that an event holds them, and counts the others', () => {
    const reports = Array.from({ length: 11 }, (_, index) =>
      report(`node${index}-${'n'.repeat(57)}`, '1023.9Gi', '999.9Mi'),
    )
    const text = listNodes(reports)
    expect(text).to.match(/, and 3 more$/)
    expect(Buffer.byteLength(text)).to.be.below(900)
  })
})
