import { expect } from 'chai'
import type { Pod } from '../../../agent/claim-siblings.ts'
import { WaitingPods } from '../../../agent/waiting-pods.ts'
import type { KubeClient } from '../../../kube/types.ts'

describe('agent/waiting-pods', () => {
  const lists: { namespace: string; end: () => void; fail: (error: Error) => void }[] = []
  const client = {
    list: async (_type: unknown, { namespace }: { namespace: string }, onPod: (pod: Pod) => void) => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>()
      lists.push({ namespace, end: () => resolve(undefined), fail: reject })
      await promise
      onPod({ metadata: { name: `${namespace}-${lists.length}` }, spec: {} })
    },
  } as unknown as KubeClient
  const namesOf = async (pods: Promise<readonly Pod[]>): Promise<unknown[]> =>
    (await pods).map(({ metadata }) => metadata.name)
  beforeEach(() => {
    lists.length = 0
  })

  it('lists once for all who came while the list before was read', async () => {
    const waiting = new WaitingPods(client)
    const [first, second, third] = [waiting.in('a'), waiting.in('a'), waiting.in('a')]
    expect(lists).to.have.length(1)
    lists[0]?.end()
    expect(await namesOf(first)).to.deep.equal(['a-1'])
    lists[1]?.end()
    expect(await namesOf(second)).to.deep.equal(['a-2'])
    expect(await namesOf(third)).to.deep.equal(['a-2'])
    expect(lists).to.have.length(2)
  })

  it('keeps namespaces apart', async () => {
    const waiting = new WaitingPods(client)
    const both = [waiting.in('a'), waiting.in('b')]
    expect(lists.map(({ namespace }) => namespace)).to.deep.equal(['a', 'b'])
    for (const list of lists) list.end()
    await Promise.all(both)
  })

  it('lists anew for who comes later, also after a failure', async () => {
    const waiting = new WaitingPods(client)
    const failing = waiting.in('a').catch((error: unknown) => String(error))
    lists[0]?.fail(new Error('away'))
    expect(await failing).to.equal('Error: away')
    const later = waiting.in('a')
    lists[1]?.end()
    expect(await namesOf(later)).to.deep.equal(['a-2'])
  })
})
