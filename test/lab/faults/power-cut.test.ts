import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'

import type { Facts } from '../../faults/facts.ts'
import type { OperationName } from '../../faults/all-operations.ts'
import type { Message, Order } from '../../faults/order.ts'
import { useVm, VM_TEST_TIMEOUT_MS } from '../vm/fixture.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const COPY = '/run/loam-planted'

describe('a power cut', function () {
  this.timeout(2 * VM_TEST_TIMEOUT_MS)
  const { vm, disk, shell, cutAndStart } = useVm()
  let facts: Facts = {}
  let claim: Order['claim'] = { uid: randomUUID(), content: 'ext4', erase: 'zero' }

  /** The room does these in the VM, and dies at the point when one is named. Gives all that was said. */
  const doing = async (
    story: readonly OperationName[],
    other: Partial<Order> = {},
    sources = ROOT,
  ): Promise<readonly Message[]> => {
    const order: Order = {
      ...{ disks: [disk('a')], claim, story, done: 0, facts, spent: [], flushes: true },
      ...{ moments: ['before', 'during', 'after'], only: [] },
      ...other,
    }
    const command = ['node_modules/.bin/node', 'test/faults/victim.ts', JSON.stringify(order)]
    const { stdout, stderr } = await vm().exec(command, { directory: sources })
    const messages = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Message)
    if (messages.length === 0) throw new Error(stderr)
    for (const message of messages) if ('acknowledged' in message) facts = message.acknowledged
    return messages
  }

  const volumes = async (): Promise<readonly string[]> =>
    (await shell('lvs --noheadings -o lv_uuid,lv_tags loam-test')).trim().split('\n')

  it('takes no volume back that was acknowledged a moment before (I1)', async () => {
    await doing(['group', 'create'])
    const acknowledged = facts.volume?.handle.volumeUuid ?? 'none'
    await cutAndStart()
    expect((await volumes()).join())
      .to.contain(acknowledged)
      .and.contain('loam.state=new')
  })

  it('in the middle of mkfs leaves a volume that is made ready afterwards, once (I4)', async () => {
    const killed = await doing(['stage'], { only: ['stage/during.make-file-system'] })
    expect(killed).to.deep.equal([{ killedAt: 'stage/during.make-file-system' }])
    await cutAndStart()
    expect((await volumes()).join()).to.contain('loam.state=formatting')
    await doing(['stage'])
    expect(facts.volume?.used?.fileSystemUuid).to.match(/^[0-9a-f-]{36}$/)
  })

  it('keeps what the user of a volume has synced, and the file system it is in (I1, I4)', async () => {
    await cutAndStart()
    // finds the file, and compares the UUID of the file system with the acknowledged one
    const said = await doing(['stageAgain', 'release'])
    expect(said.at(-1)).to.deep.equal({ end: true })
  })

  it('does take back a volume that was acknowledged without a flush: this test can fail', async () => {
    await shell(
      `mkdir ${COPY} && cd ${COPY} && cp -r ${['core', 'lvm', 'test', 'package.json'].map((name) => `${ROOT}/${name}`).join(' ')} . &&` +
        ` ln -s ${ROOT}/node_modules . && patch -p1 -s < ${ROOT}/test/faults/planted/no-flush-after-lvcreate.patch`,
    )
    const { groupUuid = '' } = facts
    facts = { groupUuid }
    claim = { ...claim, uid: randomUUID() }
    await doing(['create'], {}, COPY)
    const acknowledged = facts.volume?.handle.volumeUuid ?? 'none'
    expect((await volumes()).join()).to.contain(acknowledged)
    await cutAndStart()
    expect((await volumes()).join()).to.not.contain(acknowledged)
  })
})
