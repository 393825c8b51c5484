import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { Metrics } from '../../../process/metrics.ts'
import { startExtender, type RunningExtender } from '../../../scheduler/start-extender.ts'
import { claimOf } from './fixture.ts'
import { clusterOf, podWith } from './reckoned.ts'

const CONFIG = {
  host: '127.0.0.1',
  port: 0,
  filterVerb: 'fits',
  prioritizeVerb: 'ranks',
  tlsDirectory: undefined,
}

describe('scheduler/start-extender', () => {
  let running: RunningExtender

  beforeEach(async () => {
    const cluster = clusterOf({ small: '40Mi', large: '90Mi' })
    cluster.claims.put('shop/a', claimOf('50Mi', { namespace: 'shop', name: 'a', uid: 'a' }))
    running = await startExtender(CONFIG, cluster, cluster, silentLogger)
  })
  afterEach(() => running.close())

  const ask = async (verb: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${running.port}/${verb}`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ Pod: podWith('db', 'a'), Nodes: null, NodeNames: ['small', 'large'] }),
    })
    return response.json()
  }

  it('answers under the verbs that it is told, and counts what it answers', async () => {
    expect(await ask('fits')).to.deep.include({ NodeNames: ['large'], Error: '' })
    expect(await ask('ranks')).to.deep.equal([
      { Host: 'small', Score: 0 },
      { Host: 'large', Score: 10 },
    ])
    const metrics = new Metrics()
    for (const metric of running.metrics) metrics.add(metric)
    expect(await metrics.text())
      .to.include('loam_scheduler_extender_requests_total{verb="filter",status="200"} 1')
      .and.to.include('loam_scheduler_extender_refusals_total{reason="NoRoom"} 1')
      .and.to.match(/loam_scheduler_extender_seconds_total\{verb="filter"\} 0\.\d+/)
    expect(running.problem()).to.equal(undefined)
  })
})
