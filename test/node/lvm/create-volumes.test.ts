import { expect } from 'chai'

import { allFreeExtents } from '../../../core/layout-size.ts'
import { afterCreations } from '../../../lvm/after-creations.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import type { Inventory } from '../../../lvm/types.ts'
import { MIB, requestFor } from './fixture.ts'
import { useVolumes } from './volumes-under-test.ts'

describe('lvm/create-volumes', function () {
  this.timeout(180_000)
  const tested = useVolumes()

  it('makes all volumes of a pod, and none when they fit one by one only, also beside others at the same moment', async () => {
    const three = () => [100n, 100n, 100n].map((mib) => requestFor(tested.group, mib * MIB))
    const [pod, other, third] = [three(), three(), three()]
    const outcomes = await Promise.allSettled(
      [pod, other, third].map((requests) => tested.volumes.createVolumes(requests)),
    )
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(made.map(({ name }) => name)).to.deep.equal([...pod, ...other].map(({ name }) => name))
    expect(refused).to.have.length(1)
    expect(refused[0])
      .to.be.instanceOf(NoSpace)
      .and.have.property('message')
      .match(/100 MiB wanted( beside \d+ MiB for others of the same pod)? .*at most \d+ MiB fits/)
    const { volumes } = await tested.volumes.inventory()
    expect(volumes.map(({ name }) => name)).to.have.members(made.map(({ name }) => name))
    expect(await tested.volumes.createVolumes(pod)).to.deep.equal(made.slice(0, 3))
  })

  it('offers what is left beside volumes that are being made, and wait for their turn', async () => {
    const free = ({ groups, volumes, inCreation = [] }: Inventory): bigint => {
      const report = { group: groups[0] ?? tested.group, volumes }
      return allFreeExtents(freeDisksOf(afterCreations(report, inCreation, []).group))
    }
    const before = free(await tested.volumes.inventory())
    const making = [40n, 33n, 50n].map((mib) => tested.make(mib * MIB))
    const meanwhile = await tested.volumes.inventory()
    await Promise.all(making)
    expect(meanwhile.inCreation).to.have.length(3)
    expect(free(meanwhile)).to.equal(before - 10n - 9n - 13n)
    const then = await tested.volumes.inventory()
    expect(then.inCreation).to.equal(undefined)
    expect(free(then)).to.equal(free(meanwhile))
  })
})
