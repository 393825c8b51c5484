import { expect } from 'chai'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { GroupsOnNodes } from '../../../scheduler/groups-on-nodes.ts'
import { copyOf, reportOf } from './fixture.ts'

const report = (storageClassName: string, resourceVersion: string): NodeLocalStorage => {
  const { metadata, spec, status } = reportOf('node', '1Gi')
  return {
    metadata: { ...metadata, resourceVersion },
    spec: { ...spec, storageClassName },
    status: status ?? {},
  }
}

describe('scheduler/groups-on-nodes', () => {
  it('knows the newest of the reports about a group, whichever class it is of', () => {
    const reports = copyOf({ one: report('one', '10') })
    const groups = new GroupsOnNodes(reports)
    const newest = () => groups.ofClass('one').get('node')?.group.newest?.spec.storageClassName
    expect(newest()).to.equal('one')
    reports.put('two', report('two', '11'))
    expect(newest()).to.equal('two')
    expect(groups.ofClass('two').get('node')?.group).to.equal(groups.ofClass('one').get('node')?.group)
    reports.put('one', report('one', '12'))
    expect(newest()).to.equal('one')
    reports.put('one', undefined)
    expect(newest()).to.equal(undefined)
    expect(groups.ofClass('two').get('node')?.group.newest?.spec.storageClassName).to.equal('two')
  })

  it('forgets what is gone', () => {
    const reports = copyOf({ one: report('one', '10') })
    const groups = new GroupsOnNodes(reports)
    reports.put('one', undefined)
    expect([...groups.ofClass('one')]).to.deep.equal([])
    expect([...groups.ofClass('unheard of')]).to.deep.equal([])
  })
})
