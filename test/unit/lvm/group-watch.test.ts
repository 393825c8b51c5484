import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { ActiveVolumes } from '../../../lvm/active-volumes.ts'
import { DiskPresence } from '../../../lvm/disk-presence.ts'
import { DiskStates, type DiskState } from '../../../lvm/disk-state.ts'
import { watchGroups } from '../../../lvm/group-watch.ts'
import { KnownGroup, KnownGroups } from '../../../lvm/known-groups.ts'
import { StuckWork } from '../../../lvm/stuck-work.ts'
import { eventually } from '../../support/eventually.ts'

/** Disks and reports stand in for real ones here, because looks must be counted one by one. */
describe('lvm/group-watch', () => {
  const headers = (mark: string): DiskState => ({ kind: 'headers', mark, showsChanges: true })
  let marks: Map<string, string>
  let looks: Map<string, number>
  let reports: number
  let disksOfGroup: string[]
  let busy: string | undefined
  let told: string[]
  let groups: KnownGroups
  let disks: DiskStates
  let stopping: AbortController

  const reportOf = (name: string): string => {
    const vg = {
      ...{ vg_name: name, vg_uuid: `uuid-${name}`, vg_size: '0', vg_free: '0', vg_extent_size: '4194304' },
      ...{ vg_seqno: `${++reports}`, vg_tags: '', vg_missing_pv_count: '0' },
    }
    const pv = disksOfGroup.map((uuid) => ({
      ...{ pv_name: `/dev/${uuid}`, pv_uuid: uuid, pv_size: '0', pv_free: '0', pv_missing: '', pv_tags: '' },
      ...{ pv_in_use: 'used', pv_allocatable: 'allocatable', pe_start: '0', vg_uuid: vg.vg_uuid },
    }))
    return JSON.stringify({ report: [{ vg: [vg], pv }] })
  }
  const know = (name: string): void => {
    const lvm = {
      run: () => Promise.reject(new Error('nothing is changed here')),
      read: () => Promise.resolve(reportOf(name)),
    }
    const tools = { lvm, stuck: new StuckWork('volume group'), disks, active: new ActiveVolumes() }
    marks.set(`/dev/${name}`, 'first')
    groups.remember(new KnownGroup(tools, { name, uuid: `uuid-${name}`, devices: [`/dev/${name}`] }))
  }
  const looksAt = (name: string): number => looks.get(`/dev/${name}`) ?? 0
  const severalLooks = (name = 'fast'): Promise<boolean> => {
    const before = looksAt(name)
    return eventually('several looks', () => looksAt(name) > before + 3)
  }

  beforeEach(async () => {
    marks = new Map()
    looks = new Map()
    reports = 0
    disksOfGroup = ['one']
    busy = undefined
    told = []
    groups = new KnownGroups()
    stopping = new AbortController()
    const read = (path: string): Promise<DiskState> => {
      looks.set(path, (looks.get(path) ?? 0) + 1)
      const mark = marks.get(path)
      return Promise.resolve(mark === undefined ? { kind: 'doubt' } : headers(mark))
    }
    disks = new DiskStates({ read })
    know('fast')
    const isBusy = (name: string): boolean => name === busy
    const tools = { groups, disks, listed: new DiskPresence(), isBusy, log: silentLogger, pauseMs: () => 5 }
    watchGroups(tools, (name, change) => told.push(`${name} ${change}`), stopping.signal)
    await eventually('the group is met', () => told.length > 0)
    await severalLooks()
  })
  afterEach(() => stopping.abort())

  it('tells of a group once when it is met, and is quiet and reads nothing as long as nothing changes', () => {
    expect(told).to.deep.equal(['fast metadata'])
    expect(reports).to.equal(1)
  })

  it('tells of each change once, and of members when they are others', async () => {
    told = []
    marks.set('/dev/fast', 'second')
    await eventually('the change is told', () => told.length === 1)
    await severalLooks()
    expect(told).to.deep.equal(['fast metadata'])
    disksOfGroup = ['one', 'two']
    marks.set('/dev/fast', 'third')
    await eventually('the change and the members are told', () => told.length === 3)
    await severalLooks()
    expect(told).to.deep.equal(['fast metadata', 'fast metadata', 'fast disks'])
  })

  it('takes doubt for a change, and its end', async () => {
    told = []
    marks.delete('/dev/fast')
    await eventually('it is told', () => told.length === 1)
    marks.set('/dev/fast', 'first')
    await eventually('it is told again', () => told.length === 2)
  })

  it('looks only afterwards at a group that we are changing, and meanwhile at the others', async () => {
    know('slow')
    await eventually('the other group is met', () => told.includes('slow metadata'))
    told = []
    busy = 'fast'
    marks.set('/dev/fast', 'second')
    marks.set('/dev/slow', 'second')
    await severalLooks('slow')
    expect(told).to.deep.equal(['slow metadata'])
    busy = undefined
    await eventually('the group is told', () => told.includes('fast metadata'))
  })

  it('looks no more at a group that is forgotten', async () => {
    groups.forget('fast')
    know('slow')
    await eventually('the other group is met', () => told.includes('slow metadata'))
    told = []
    marks.set('/dev/fast', 'second')
    // a look that had begun ends first
    await severalLooks('slow')
    const before = looksAt('fast')
    await severalLooks('slow')
    expect(looksAt('fast')).to.equal(before)
    expect(told).to.deep.equal([])
  })
})
