import { expect } from 'chai'
import { Metrics } from '../../../process/metrics.ts'
import { queueMetrics } from '../../../process/queue-metrics.ts'

const linesOf = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('process/metrics', () => {
  it('reads counters anew each time, and forgets what is not said any more', async () => {
    const metrics = new Metrics()
    let samples = [
      { labels: { outcome: 'done' }, value: 2 },
      { labels: { outcome: 'NoSpace' }, value: 1 },
    ]
    metrics.add({
      ...{ kind: 'counter', name: 'loam_test_total', help: 'Of a test.', labelNames: ['outcome'] },
      read: () => samples,
    })
    expect(await linesOf(metrics)).to.have.members([
      'loam_test_total{outcome="done"} 2',
      'loam_test_total{outcome="NoSpace"} 1',
    ])
    samples = [{ labels: { outcome: 'done' }, value: 3 }]
    expect(await linesOf(metrics)).to.deep.equal(['loam_test_total{outcome="done"} 3'])
  })

  it('shows what there is to do in each queue', async () => {
    const metrics = new Metrics()
    for (const metric of queueMetrics(() => [{ queue: 'claims', depth: 4, failing: 1 }])) metrics.add(metric)
    expect(await linesOf(metrics)).to.have.members([
      'loam_work_queue_depth{queue="claims"} 4',
      'loam_work_queue_failing{queue="claims"} 1',
    ])
  })
})
