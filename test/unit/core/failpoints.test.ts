import { expect } from 'chai'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { resolve } from 'node:path'
import { Linter } from 'eslint'

import { atStep, CHANGE_STEPS, FAILPOINT_CHANNEL } from '../../../core/failpoints.ts'
import { silentLogger } from '../../../core/logger.ts'
import { createCommandRunner, type Command } from '../../../lvm/command-runner.ts'
import type { LvmCommand } from '../../../lvm/lvm-command.ts'
import { thrownBy } from '../lvm/thrown.ts'

const passed: unknown[] = []
const keep = (message: unknown): void => void passed.push(message)

/** Messages of the project's own rule for this piece of code. */
const lint = async (code: string): Promise<string[]> => {
  const file = resolve(import.meta.dirname, '../../../eslint.config.js')
  const { default: config } = (await import(file)) as { default: readonly Linter.Config[] }
  const rule = config.findLast(({ rules }) => rules?.['no-restricted-syntax'] !== undefined)?.rules
  return new Linter().verify(code, [{ rules: rule ?? {} }]).map(({ message }) => message)
}

describe('failpoints', function () {
  // the first that asks the linter loads it
  this.timeout(60_000)
  beforeEach(() => {
    passed.length = 0
    subscribe(FAILPOINT_CHANNEL, keep)
  })
  afterEach(() => unsubscribe(FAILPOINT_CHANNEL, keep))

  it('are passed before and after a step, also when the step fails', async () => {
    expect(await atStep('remove-volume', () => Promise.resolve(7))).to.equal(7)
    expect(passed).to.deep.equal(['before.remove-volume', 'after.remove-volume'])
    await thrownBy(atStep('create-volume', () => Promise.reject(new Error('no'))))
    expect(passed.slice(2)).to.deep.equal(['before.create-volume', 'after.create-volume'])
  })

  it('are passed by programs that change something, not by those that read', async () => {
    const runner = createCommandRunner({ log: silentLogger })
    const program = { file: 'true', args: [], deadlineMs: 5000 }
    await runner.run({ ...program, effect: 'read' })
    expect(passed).to.deep.equal([])
    await runner.run({ ...program, effect: 'change', step: 'write-zeros' })
    expect(passed).to.deep.equal(['before.write-zeros', 'after.write-zeros'])
  })

  it('have one name each', () => {
    expect(new Set(CHANGE_STEPS).size).to.equal(CHANGE_STEPS.length)
  })

  it('are asked for by the compiler where a program changes something', () => {
    const program = { file: 'true', args: [], deadlineMs: 5000 }
    // @ts-expect-error a change without its step
    const change: Command = { ...program, effect: 'change' }
    // @ts-expect-error a changing sub-command of LVM that says it only reads
    const lie: LvmCommand = { name: 'lvremove', effect: 'read', options: [], operands: [] }
    expect([change, lie]).to.have.length(2)
  })

  for (const change of [
    'unlink(path)',
    'fs.rm(path)',
    'writeFile(path, text)',
    'rmSync(path)',
    'fs.writeFileSync(path, text)',
    'fs.copyFile(path, other)',
    'createWriteStream(path)',
    'open(path, "r+")',
    'fs.openSync(path, "w")',
    'fs.open(path, constants.O_WRONLY)',
    'open(path, constants.O_RDWR | constants.O_EXCL)',
    'client.delete(PERSISTENT_VOLUMES, name, preconditions)',
    'this.ports.client.patch(PERSISTENT_VOLUME_CLAIMS, name, patch)',
  ])
    it(`are asked for by the linter around ${change}`, async () => {
      expect(await lint(change)).to.have.length(1)
      expect(await lint(`atStep('remove-volume', () => ${change})`)).to.deep.equal([])
    })

  it('are not asked for where nothing changes', async () => {
    for (const code of ['open(path, "r")', 'known.delete(key)', 'open(path, constants.O_RDONLY)'])
      expect(await lint(code), code).to.deep.equal([])
  })
})
