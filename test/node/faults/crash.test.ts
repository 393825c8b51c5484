import { expect } from 'chai'
import { randomUUID } from 'node:crypto'

import { crashThrough } from '../../faults/crash-story.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Order } from '../../faults/order.ts'
import { unreached } from '../../faults/reached.ts'
import { attachDisks, detachDisks, disk, run, wipe } from '../lvm/fixture.ts'

type Story = Pick<Order, 'story' | 'moments' | 'only' | 'within' | 'watchesPools'> & {
  readonly claim: Omit<Order['claim'], 'uid'>
  readonly disks?: readonly string[]
}

const LIFE = ['group', 'create', 'stage', 'release', 'remove'] as const
const LONG_LIFE = ['group', 'create', 'stage', 'release', 'stageAgain', 'release', 'remove'] as const
const THIN = { content: 'ext4', erase: 'zero', layout: 'thin' } as const
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

  const tell = async ({ claim, disks = [disk(0)], ...story }: Story): Promise<void> => {
    const order = { ...story, claim: { uid: randomUUID(), ...claim }, disks, flushes: isWholeSet }
    const told = await crashThrough({ ...order, done: 0, facts: {}, spent: [] })
    console.log(`      killed at ${told.points.length} points: ${told.points.join(', ')}`)
    points.push(...told.points)
    expect(told.facts.removed === true, 'the volume is gone at the end').to.equal(
      story.story.includes('remove'),
    )
  }

  it('right after mkfs, or leaves programs running, keeps the one volume and its one file system', async () => {
    const only = [
      'group/after.create-group loam.owner=loam.storage',
      'create/during.create-volume loam.state=new',
      'stage/after.tag-volume loam.state=formatting',
      'stage/after.make-file-system',
      'stage/after.tag-volume loam.state=used',
      'remove/after.tag-volume loam.state=erasing',
      'remove/during.write-zeros 0',
      'remove/during.remove-volume',
    ]
    await tell({ claim: { ...EXT4, erase: 'zero' }, story: LIFE, moments: ['during', 'after'], only })
    expect(points).to.have.members(only)
  })

  if (isWholeSet)
    for (const story of WHOLE_SET)
      it(`at ${story.moments.join(' and ')}, ${story.claim.content} and erase ${story.claim.erase}`, () =>
        tell(story))

  const OTHERS: readonly (Omit<Story, 'claim' | 'moments' | 'disks'> & {
    readonly what: string
    readonly claim?: Story['claim']
    readonly arrange: () => Promise<readonly string[]>
  })[] = [
    {
      what: 'while disks join, are closed and opened',
      story: ['groupOfFirst', 'joinSecond', 'closeSecond', 'openSecond'],
      arrange: () => Promise.resolve([disk(0), disk(1)]),
    },
    {
      what: 'while a disk grows',
      story: ['groupOfFirst', 'grow'],
      arrange: async () => {
        const table = `0 ${100 * 2048} linear ${disk(0)} 0`
        await run('dmsetup', 'create', 'loam-fault-grow', '--uuid', 'loam-fault-grow', '--table', table)
        return ['/dev/mapper/loam-fault-grow', disk(0)]
      },
    },
    {
      what: 'while a disk that a person named is erased',
      story: ['takeNamed'],
      arrange: async () => {
        await run('mkfs.ext4', '-q', disk(0))
        return [disk(0)]
      },
    },
    {
      what: 'while a thin pool is made for a volume',
      claim: THIN,
      story: LIFE,
      arrange: () => Promise.resolve([disk(0)]),
    },
    {
      what: 'while a thin pool grows for a volume',
      claim: THIN,
      story: ['group', 'makeSmallPool', 'create'],
      arrange: () => Promise.resolve([disk(0)]),
    },
    {
      what: 'while the metadata of a thin pool grows because it is full',
      claim: THIN,
      story: ['group', 'create', 'stage', 'outgrowPoolMetadata', 'stageAgain'],
      within: ['outgrowPoolMetadata', 'stageAgain'],
      watchesPools: true,
      arrange: () => Promise.resolve([disk(0)]),
    },
    {
      what: 'while a volume in use is made larger',
      story: ['group', 'create', 'stage', 'extend', 'stageAgain', 'release', 'remove'],
      arrange: () => Promise.resolve([disk(0)]),
    },
    {
      what: 'while a thin volume is made larger',
      claim: THIN,
      story: ['group', 'create', 'extend', 'stage'],
      arrange: () => Promise.resolve([disk(0)]),
    },
    {
      what: 'while a device node is made again',
      story: ['group', 'create', 'stage', 'stageWithoutNode', 'release', 'remove'],
      arrange: () => Promise.resolve([disk(0)]),
    },
  ]
  if (isWholeSet)
    for (const { what, claim = EXT4, arrange, ...story } of OTHERS)
      it(`at before and after, ${what}`, async () => {
        await tell({ claim, ...story, moments: ['before', 'after'], disks: await arrange() })
      })

  if (isWholeSet)
    it('was killed at every step of the room', () => {
      expect(unreached(points)).to.deep.equal([])
    })
})
