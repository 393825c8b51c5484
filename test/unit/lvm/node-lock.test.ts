import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { silentLogger } from '../../../core/logger.ts'
import { createCommandRunner } from '../../../lvm/command-runner.ts'
import { Busy } from '../../../lvm/errors.ts'
import { NodeLock } from '../../../lvm/node-lock.ts'
import { thrownBy } from './thrown.ts'

describe('node lock', () => {
  it('is held by one at a time, and free again when released', async () => {
    const runner = createCommandRunner({ log: silentLogger })
    const directory = await mkdtemp(join(tmpdir(), 'loam-'))
    const path = join(directory, 'run', 'agent.lock')
    try {
      const first = await NodeLock.take(runner, path)
      expect(await thrownBy(NodeLock.take(runner, path))).to.be.instanceOf(Busy)
      await first.release()
      const second = await NodeLock.take(runner, path)
      await second.release()
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
