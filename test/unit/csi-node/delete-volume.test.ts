import { expect } from 'chai'

import { byTheAgent, ControllerNode, failureOf } from './controller-calls.ts'

describe('DeleteVolume', () => {
  let node: ControllerNode
  beforeEach(async () => {
    node = await ControllerNode.start()
  })
  afterEach(() => node.stop())

  it('removes what CreateVolume made, and again is no error', async () => {
    const id = await node.idOf()
    await node.remove(id)
    await node.remove(id)
    expect(node.room.volumes).to.deep.equal([])
  })

  it('is fine with an id that nobody gave out, and refuses an empty one', async () => {
    await node.remove('vol-1')
    expect(await failureOf(node.remove(''))).to.match(/^INVALID_ARGUMENT volume_id: it is missing/)
  })

  it('leaves volumes alone that the agent made, and those of another cluster', async () => {
    const id = await node.idOf()
    const [made] = node.room.volumes
    if (made?.record === undefined) throw new Error('no record')
    node.room.volumes = [{ ...made, record: byTheAgent(made.record) }]
    expect(await failureOf(node.remove(id))).to.match(
      /^FAILED_PRECONDITION .*was made for a PersistentVolumeClaim/,
    )
    node.room.volumes = [{ ...made, record: { ...made.record, clusterId: 'another' } }]
    expect(await failureOf(node.remove(id))).to.match(/^FAILED_PRECONDITION .*is not known to be a volume/)
    node.room.volumes = [{ ...made, record: undefined }]
    expect(await failureOf(node.remove(id))).to.match(/^FAILED_PRECONDITION .*is not known to be a volume/)
    expect(node.room.volumes).to.have.length(1)
  })
})
