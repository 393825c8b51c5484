import { resolve } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import type { Lab } from '../../lab/lab.ts'
import { sharedLab } from '../support/shared-lab.ts'

const DEMO = resolve(import.meta.dirname, '../../../scripts/demo')

describe('scripts/demo', function () {
  this.timeout(1_200_000)
  let lab: Lab
  const demo = () => execa(DEMO, ['--lab', lab.directory.root], { reject: false, stdin: 'ignore', all: true })

  before(async () => {
    lab = await sharedLab()
  })

  it('tells the whole story, with status 0', async () => {
    const { exitCode, all } = await demo()
    expect(exitCode, all).to.equal(0)
    expect(all).to.match(/All 7 steps went as told/)
  })

  it('ends with status 1 and names the step when one is not as told', async () => {
    const vm = await lab.vm('node1')
    const mkfs = (await vm.run(['realpath', '/usr/sbin/mkfs.ext4'])).trim()
    await vm.run(['mount', '--bind', '/usr/bin/false', mkfs])
    try {
      const { exitCode, all } = await demo()
      expect(exitCode, all).to.equal(1)
      expect(all).to.match(
        /scripts\/demo: step 1, "Somebody has data on a disk of node1", was not as told: .*mkfs\.ext4.* ended with status 1/,
      )
      expect(all).not.to.match(/steps went as told/)
    } finally {
      await vm.run(['umount', mkfs])
    }
  })
})
