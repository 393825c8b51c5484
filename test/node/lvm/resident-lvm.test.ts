import { readdir, readlink } from 'node:fs/promises'

import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import {
  createCommandRunner,
  type Command,
  type CommandResult,
  type CommandRunner,
} from '../../../lvm/command-runner.ts'
import { createLvm, type Lvm } from '../../../lvm/lvm.ts'
import type { LvmCommand } from '../../../lvm/lvm-command.ts'
import { reportCommand } from '../../../lvm/report.ts'
import { withResidentLvm } from '../../../lvm/resident-lvm.ts'
import type { VolumeGroup } from '../../../lvm/types.ts'
import { lvmShellPids } from '../../support/child-processes.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  GROUP,
  groupOn,
  handMadeLvm,
  startNode,
  SYSTEM_DIRECTORY,
  wipe,
  type Node,
} from './fixture.ts'

const QUIET = ['--activate', 'n', '--zero', 'n', '--wipesignatures', 'n'] as const

type Words = readonly string[]
/** Of which kind a command is, is of no concern here. */
const command = (name: 'vgs' | 'lvs', options: Words, ...operands: Words): LvmCommand => ({
  ...{ name, options: ['--reportformat', 'json', ...options], operands, effect: 'read' },
})
const change = (
  name: 'lvcreate' | 'lvchange' | 'lvremove',
  options: Words,
  ...operands: Words
): LvmCommand => ({
  ...{ name, options, operands, effect: 'change', step: 'create-volume', onlyMetadata: true },
})

/** Every sign that LVM allows in a tag; those that a shell of another kind would read are among them. */
const TAG = 'A_z.0+-/=!:&#'

/** What the LVM shells that this process has started hold open, each as the kernel names it. */
const openFilesOfShells = async (): Promise<string[]> => {
  const files: string[] = []
  for (const pid of await lvmShellPids())
    for (const fd of await readdir(`/proc/${pid}/fd`)) files.push(await readlink(`/proc/${pid}/fd/${fd}`))
  return files
}

/** The shell that a runner keeps, against a process for each command. */
describe('resident lvm', function () {
  this.timeout(180_000)
  const plain = createCommandRunner({ log: silentLogger })
  let node: Node
  let group: VolumeGroup
  /** What was not done by the shell. */
  let processes: string[]
  let shell: Lvm
  let process_: Lvm

  const counted = (inner: CommandRunner): CommandRunner => ({
    run: (each: Command) => {
      processes.push(each.args[0] ?? '')
      return inner.run(each)
    },
  })

  before(async () => {
    await attachDisks(128)
    await wipe(disk(0), disk(1))
    node = await startNode(plain)
    group = await groupOn(node.volumes, disk(0), disk(1))
    process_ = createLvm(plain, SYSTEM_DIRECTORY)
    shell = createLvm(
      withResidentLvm(counted(plain), {
        log: silentLogger,
        habits: { idleMs: 60_000, mostAnswers: 1000, mostFaults: 1 },
      }),
      SYSTEM_DIRECTORY,
    )
  })
  beforeEach(() => {
    processes = []
  })
  afterEach(async () => {
    await emptyGroup()
  })
  after(async () => {
    await node.close()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })

  const view = (): string[] => [disk(0), disk(1)]
  /** What of a result is the same, whoever gives it. */
  const comparable = ({ exitCode, report, stderr }: CommandResult) => ({
    exitCode,
    report: report === '' ? undefined : (JSON.parse(report) as { report?: unknown }).report,
    complaints: stderr
      .split('\n')
      .map((line) => line.trim())
      .filter(
        (line) =>
          line !== '' &&
          !/^(WARNING|Do you really want|Logical volume .* (created|removed|changed))/.test(line),
      )
      .sort(),
  })
  const make = (name: string): LvmCommand =>
    change('lvcreate', [...QUIET, '--extents', '1', '--name', name], GROUP)

  const CASES: readonly [string, (name: string) => LvmCommand][] = [
    ['a volume', make],
    ['a volume that is there', () => make('there')],
    ['a tag of all signs', () => change('lvchange', ['--addtag', TAG], `${GROUP}/there`)],
    ['a report', () => reportCommand],
    ['a table', () => command('vgs', ['--options', 'vg_name,vg_size'], GROUP)],
    ['a table without rows', () => command('lvs', ['--select', 'lv_name=none'], GROUP)],
    ['a group that is not there', () => command('vgs', [], 'none')],
    ['an option that is not there', () => command('vgs', ['--nonsense'])],
    ['the removal of what is not there', () => change('lvremove', [], `${GROUP}/none`)],
    ['the removal of what is in use', () => change('lvremove', [], `${GROUP}/active`)],
    [
      'a removal by a selection that selects nothing',
      () => change('lvremove', ['--select', 'lv_name=none'], GROUP),
    ],
  ]
  for (const [what, of] of CASES)
    it(`answers about ${what} as a process does`, async () => {
      await handMadeLvm('lvcreate', ...QUIET, '--extents', '1', '--name', 'there', GROUP)
      await handMadeLvm('lvcreate', '--wipesignatures', 'n', '--extents', '1', '--name', 'active', GROUP)
      // both meet a volume of that tag, and both make one
      const byProcess = comparable(await process_.run(of('by-process'), view()))
      const byShell = comparable(await shell.run(of('by-shell'), view()))
      expect(processes).to.deep.equal([])
      expect(byShell).to.deep.equal(byProcess)
    })

  it('does the change that it was asked for, tags and all', async () => {
    const tags = Array.from({ length: 24 }, (_, at) => `${TAG}${at}${'x'.repeat(400)}`)
    const tagged = [...QUIET, '--extents', '1', '--name', 'made', ...tags.flatMap((tag) => ['--addtag', tag])]
    expect((await shell.run(change('lvcreate', tagged, GROUP), view())).exitCode).to.equal(0)
    const listed = await handMadeLvm('lvs', '--noheadings', '--options', 'lv_tags', `${GROUP}/made`)
    expect(listed.trim().split(',').sort()).to.deep.equal(tags.sort())
    expect(processes).to.deep.equal([])
  })

  it('leaves a line that is too long, or of too many words, to a process', async () => {
    const tags = Array.from({ length: 40 }, (_, at) => ['--addtag', `${at}${'x'.repeat(600)}`]).flat()
    const many = change('lvcreate', [...QUIET, '--extents', '1', '--name', 'made', ...tags], GROUP)
    expect((await shell.run(many, view())).exitCode).to.equal(0)
    expect(processes).to.deep.equal(['lvcreate'])
  })

  it('sees the disks of each command, and no others', async () => {
    const missing = async (devices: string[]): Promise<string> => {
      const asked = command('vgs', ['--options', 'vg_name,vg_missing_pv_count'])
      const { report } = await shell.run(asked, devices)
      return JSON.stringify((JSON.parse(report) as { report: unknown }).report)
    }
    const whole = `[{"vg":[{"vg_name":"${group.name}","vg_missing_pv_count":"0"}]}]`
    expect(await missing(view())).to.equal(whole)
    expect(await missing([disk(0)])).to.equal(whole.replace('"0"', '"1"'))
    expect(await missing([])).to.equal('[{"vg":[]}]')
    expect(await missing(view())).to.equal(whole)
    expect(processes).to.deep.equal([])
  })

  it('sees what was done by others since, and disks that are plugged in', async () => {
    const names = async (): Promise<string> =>
      (await shell.run(command('lvs', ['--options', 'lv_name'], GROUP), view())).report
    expect(await names()).not.to.include('by-hand')
    await handMadeLvm('lvcreate', ...QUIET, '--extents', '1', '--name', 'by-hand', GROUP)
    expect(await names()).to.include('by-hand')
    await wipe(disk(0), disk(1))
    await detachDisks()
    await attachDisks(128)
    expect(await names()).not.to.include('by-hand')
    // the room would rightly wait for the disks that it knew
    await node.close()
    node = await startNode(plain)
    group = await groupOn(node.volumes, disk(0), disk(1))
    expect((await shell.run(make('fresh'), view())).exitCode).to.equal(0)
    expect(await names()).to.include('fresh')
    expect(processes).to.deep.equal([])
  })

  it('holds no disk and no lock open when it is not asked', async () => {
    await shell.run(reportCommand, view())
    const links = await openFilesOfShells()
    expect(links).to.have.length.above(0)
    for (const link of links) expect(link).to.match(/^(socket|pipe):/)
  })
})
