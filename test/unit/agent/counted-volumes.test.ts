import { expect } from 'chai'
import { countOperations } from '../../../agent/counted-volumes.ts'
import { operationMetrics } from '../../../agent/metrics.ts'
import { Refused } from '../../../lvm/errors.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { Metrics } from '../../../process/metrics.ts'

describe('agent/counted-volumes', () => {
  it('counts each operation by how it ended, also one that fails before it begins', async () => {
    const refuse = (): never => {
      throw new Refused('volume', 'no')
    }
    const lvm = {
      createVolume: () => Promise.resolve({}),
      removeVolume: () => Promise.reject(new Error('odd')),
      extendVolume: refuse,
    } as unknown as NodeVolumes
    const { volumes, counts } = countOperations(lvm)
    const any = undefined as never
    for (const work of [
      () => volumes.createVolume(any),
      () => volumes.createVolume(any),
      () => volumes.removeVolume(any, any),
      () => volumes.extendVolume(any),
    ])
      await work().catch(() => undefined)
    const metrics = new Metrics()
    for (const metric of operationMetrics(counts)) metrics.add(metric)
    expect((await metrics.text()).split('\n').filter((line) => line.startsWith('loam_'))).to.have.members([
      'loam_volume_operations_total{operation="create",outcome="done"} 2',
      'loam_volume_operations_total{operation="remove",outcome="Unexpected"} 1',
      'loam_volume_operations_total{operation="extend",outcome="Refused"} 1',
    ])
  })
})
