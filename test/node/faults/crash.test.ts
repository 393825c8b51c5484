import { expect } from 'chai'
import { randomUUID } from 'node:crypto'

import { crashThrough } from '../../faults/crash-story.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Order } from '../../faults/order.ts'
import { stepsOf, unreached } from '../../faults/reached.ts'
import { attachDisks, detachDisks, disk, wipe } from '../lvm/fixture.ts'

type Story = Pick<Order, 'story' | 'moments' | 'only'> & { readonly claim: Omit<Order['claim'], 'uid'> }

const LIFE = ['group', 'create', 'stage', 'release', 'remove'] as const
const LONG_LIFE = ['group', 'create', 'stage', 'release', 'stageAgain', 'release', 'remove'] as const
const EXT4 = { content: 'ext4', erase: 'discard' } as const

/** A life of each kind, killed at every point; once more with every program left running by the death of its agent. */
const WHOLE_SET: readonly Story[] = [
  EXT4,
  { content: 'block', erase: 'zero' } as const,
  { content: 'ext4', erase: 'none' } as const,
].flatMap((claim) => [
  { claim, story: LONG_LIFE, moments: ['before', 'after'] },
  { claim, story: LONG_LIFE, moments: ['during'] },
])

describe('an agent that is killed', function () {
  this.timeout(3_600_000)
  const points: string[] = []

  before(() => attachDisks(128))
  after(detachDisks)
  beforeEach(() => wipe(disk(0), disk(1)))
  afterEach(() => wipe(disk(0), disk(1)))

  const tell = async ({ claim, ...story }: Story): Promise<void> => {
    const order = { ...story, claim: { uid: randomUUID(), ...claim }, disks: [disk(0)], flushes: isWholeSet }
    const told = await crashThrough({ ...order, done: 0, facts: {}, spent: [] })
    console.log(`      killed at ${told.points.length} points: ${told.points.join(', ')}`)
    points.push(...told.points)
    expect(told.facts.removed, 'the story came to its end').to.equal(true)
  }

  it('right after mkfs, or leaves programs running, keeps the one volume and its one file system', async () => {
    const only = [
      'create/during.create-volume loam.state=new',
      'stage/after.make-file-system',
      'remove/during.write-zeros 0',
      'remove/during.remove-volume',
    ]
    await tell({ claim: { ...EXT4, erase: 'zero' }, story: LIFE, moments: ['during', 'after'], only })
    expect(points).to.have.members(only)
  })

  if (!isWholeSet)
    it('after each change takes a volume through its life', async () => {
      await tell({ claim: EXT4, story: LIFE, moments: ['after'] })
      const steps = ['create-group', 'create-volume', 'activate-volume', 'tag-volume', 'make-file-system']
      const laterSteps = ['deactivate-volume', 'discard-space', 'write-zeros', 'remove-volume']
      expect(stepsOf('after', points)).to.include.members([...steps, ...laterSteps])
    })

  if (isWholeSet)
    for (const story of WHOLE_SET)
      it(`at ${story.moments.join(' and ')}, ${story.claim.content} and erase ${story.claim.erase}`, () =>
        tell(story))

  if (isWholeSet)
    it('was killed at every step that a volume passes in its life', () => {
      expect(unreached(points)).to.deep.equal([])
    })
})
