import { expect } from 'chai'
import { nameNodes } from '../../../core/name-nodes.ts'

describe('core/name-nodes', () => {
  const said = (count: number): string[] => Array.from({ length: count }, (_, at) => `n${at}`)
  const CASES: readonly [count: number, text: string][] = [
    [0, ''],
    [1, 'n0'],
    [8, 'n0, n1, n2, n3, n4, n5, n6, n7'],
    [9, 'n0, n1, n2, n3, n4, n5, n6, n7, and 1 more'],
  ]
  for (const [count, text] of CASES)
    it(`names ${count} nodes as "${text}"`, () => {
      expect(nameNodes(said(count))).to.equal(text)
    })
})
