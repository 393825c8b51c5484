import { expect } from 'chai'

import { OutcomeUnknown, Stuck } from '../../../lvm/errors.ts'
import { StuckWork } from '../../../lvm/stuck-work.ts'
import { thrownBy } from './thrown.ts'

describe('lvm/stuck-work', () => {
  const since = new Date('2026-01-01T00:00:00Z')
  let changes: string[]
  let stuck: StuckWork

  /** Work that was given up on, and the way to let it end. */
  const hangingWork = (what: string) => {
    const { promise: ended, resolve } = Promise.withResolvers<undefined>()
    const error = new OutcomeUnknown(what, 'not over after 30 s', {
      ended: ended.then(() => undefined),
      since,
    })
    return { work: () => Promise.reject(error), end: () => resolve(undefined), ended }
  }

  beforeEach(() => {
    changes = []
    stuck = new StuckWork('volume group', (key) =>
      changes.push(`${key} ${stuck.get(key) ? 'stuck' : 'free'}`),
    )
  })

  it('refuses work behind what has not ended, says what that is and since when, and lets others go on', async () => {
    const { work, end, ended } = hangingWork('command "lvm lvcreate loam-fast"')
    await thrownBy(stuck.watch('loam-fast', work))
    let ran = 0
    const refused = await thrownBy(stuck.watch('loam-fast', () => Promise.resolve(++ran)))
    expect(refused).to.be.instanceOf(Stuck)
    expect(refused).to.have.property('reason', 'Stuck')
    expect(String(refused)).to.match(
      /volume group "loam-fast": command "lvm lvcreate loam-fast" was started at 2026-01-01T00:00:00.000Z and has/,
    )
    expect(ran).to.equal(0)
    expect(await stuck.watch('loam-other', () => Promise.resolve(++ran))).to.equal(1)
    end()
    await ended
    await Promise.resolve()
    expect(await stuck.watch('loam-fast', () => Promise.resolve(++ran))).to.equal(2)
    expect(changes).to.deep.equal(['loam-fast stuck', 'loam-fast free'])
  })

  it('is free only when the last of several has ended, and names the first that is left', async () => {
    const first = hangingWork('first')
    const second = hangingWork('second')
    await Promise.all([thrownBy(stuck.watch('g', first.work)), thrownBy(stuck.watch('g', second.work))])
    expect(stuck.get('g')?.on.what).to.equal('first')
    first.end()
    await first.ended
    await Promise.resolve()
    expect(stuck.get('g')?.on.what).to.equal('second')
    second.end()
    await second.ended
    await Promise.resolve()
    expect(stuck.get('g')).to.equal(undefined)
    expect(changes).to.deep.equal(['g stuck', 'g free'])
  })

  it('counts the same work once when watches are nested, and not at all when it is over', async () => {
    const { work, end, ended } = hangingWork('once')
    await thrownBy(stuck.watch('g', () => stuck.watch('g', work)))
    end()
    await ended
    await Promise.resolve()
    expect(stuck.get('g')).to.equal(undefined)
    await thrownBy(stuck.watch('g', () => Promise.reject(new OutcomeUnknown('x', 'was killed'))))
    expect(stuck.get('g')).to.equal(undefined)
  })
})
