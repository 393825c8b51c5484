import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { createEventRecorder } from '../../../kube/events.ts'
import { EVENTS } from '../../../kube/resources.ts'
import type { EventRequest, KubeObject } from '../../../kube/types.ts'
import { named, useApiServer } from './fixture.ts'

interface Event extends KubeObject {
  readonly eventTime: string
  readonly note: string
  readonly reason: string
  readonly reportingController: string
  readonly reportingInstance: string
  readonly series?: { readonly count: number; readonly lastObservedTime: string }
}

const REPORTER = { reportingController: 'loam.storage/agent', reportingInstance: 'node1' } as const

describe('event recorder against a real API server', function () {
  this.timeout(30_000)
  const api = useApiServer()

  const recorder = () => createEventRecorder({ client: api.client, log: silentLogger, ...REPORTER })

  const request = (name: string, message: string, uid = `uid-of-${name}`): EventRequest => ({
    type: 'Warning',
    reason: 'NoSpace',
    action: 'Provisioning',
    message,
    regarding: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name, uid },
  })

  const eventsOf = async (name: string): Promise<Event[]> => {
    const events: Event[] = []
    await api.client.list<Event>(EVENTS, { fieldSelector: `regarding.name=${name}` }, (event) =>
      events.push(event),
    )
    return events
  }

  it('writes an event with its time, its reporter and its numbers', async () => {
    const events = recorder()
    events.record(request('plain', 'asked for 5 GiB, free are 3.1 GiB'))
    await events.flush()
    const [event] = await eventsOf('plain')
    expect(event).to.include({
      reason: 'NoSpace',
      note: 'asked for 5 GiB, free are 3.1 GiB',
      reportingController: 'loam.storage/agent',
      reportingInstance: 'node1',
    })
    expect(event?.eventTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(event?.metadata.namespace).to.equal('default')
  })

  it('counts repeats in one series', async () => {
    const events = recorder()
    for (let index = 0; index < 5; index += 1) events.record(request('repeated', 'the same'))
    await events.flush()
    events.record(request('repeated', 'the same'))
    await events.flush()
    const found = await eventsOf('repeated')
    expect(found.map((event) => event.series?.count)).to.deep.equal([6])
  })

  it('keeps apart two claims of one name', async () => {
    const events = recorder()
    events.record(request('twice', 'the same', 'first'))
    events.record(request('twice', 'the same', 'second'))
    await events.flush()
    expect(await eventsOf('twice')).to.have.length(2)
  })

  it('begins anew when the server has dropped the event', async () => {
    const events = recorder()
    events.record(request('expired', 'the same'))
    await events.flush()
    const [first] = await eventsOf('expired')
    const name = named(first?.metadata.name ?? '')
    await api.client.delete(EVENTS, name, { uid: first?.metadata.uid ?? '' })
    events.record(request('expired', 'the same'))
    await events.flush()
    events.record(request('expired', 'the same'))
    await events.flush()
    expect(await eventsOf('expired')).to.have.length(1)
  })

  it('is accepted with the longest name, node name and message', async () => {
    const events = recorder()
    const name = `${'a'.repeat(252)}b`
    const long = createEventRecorder({
      client: api.client,
      log: silentLogger,
      ...REPORTER,
      reportingInstance: 'n'.repeat(253),
    })
    long.record(request(name, 'größer '.repeat(500)))
    await long.flush()
    const [event] = await eventsOf(name)
    expect(Buffer.byteLength(event?.note ?? '')).to.be.within(1020, 1024)
    await events.flush()
  })

  it('records for objects without a namespace', async () => {
    const events = recorder()
    events.record({
      ...request('cluster-wide', 'group frozen'),
      regarding: {
        apiVersion: 'loam.storage/v1alpha1',
        kind: 'NodeLocalStorage',
        name: 'cluster-wide',
        uid: 'uid-of-storage',
      },
    })
    await events.flush()
    expect(await eventsOf('cluster-wide')).to.have.length(1)
  })

  it('drops a flood about one object, and not the events of others', async () => {
    const events = recorder()
    for (let index = 0; index < 50; index += 1) events.record(request('flooded', `message ${index}`))
    events.record(request('quiet', 'heard'))
    await events.flush()
    expect(await eventsOf('flooded')).to.have.length(10)
    expect(await eventsOf('quiet')).to.have.length(1)
  })
})
