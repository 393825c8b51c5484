import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import { makeOwnLab, removeOwnLab } from '../support/own-lab.ts'

const NAMES = ['left', 'right'] as const

describe('lab: two on one machine', function () {
  this.timeout(300_000)
  let left: Lab
  let right: Lab

  before(async () => {
    left = await makeOwnLab({ name: 'left', nodes: 1, disks: 1 })
    right = await makeOwnLab({ name: 'right', nodes: 1, disks: 1 })
  })
  after(() => Promise.all(NAMES.map(removeOwnLab)))

  it('have nodes of the same name that are not the same', async () => {
    const ids = await Promise.all([left, right].map((lab) => lab.api.get('/api/v1/nodes/node1')))
    expect(ids[0]?.metadata.uid).not.to.equal(ids[1]?.metadata.uid)
    await (await left.vm('node1')).run(['touch', '/run/only-left'])
    expect((await (await right.vm('node1')).exec(['test', '-e', '/run/only-left'])).exitCode).to.equal(1)
  })

  it('do not notice when the other goes', async () => {
    await removeOwnLab('left')
    const nodes = await right.kubectl(['get', 'nodes', '--output=name'])
    expect(nodes).to.include({ stdout: 'node/node1', exitCode: 0 })
    expect(await (await right.vm('node1')).run(['hostname'])).to.equal('node1\n')
  })
})
