import { access, readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { labDirectory } from '../../lab/runtime/directory.ts'
import { recordedProcesses } from '../../lab/runtime/processes.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { findVmProcess } from '../../lab/vm/processes.ts'
import { testLabDirectory } from '../support/shared-lab.ts'

const CLI = resolve(import.meta.dirname, '../../lab/cli.ts')
const directory = labDirectory(testLabDirectory('crash'))

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Processes that name the lab's directory in their command line, other than those that ask. */
const processesOfLab = async (): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(directory.root))
}

const expectNothingLeft = async (): Promise<void> => {
  expect(await processesOfLab(), 'processes').to.deep.equal([])
  expect((await execa('ip', ['netns', 'list'])).stdout, 'namespaces').not.to.contain(directory.namespace)
  expect(await readFile('/proc/self/mountinfo', 'utf8'), 'mounts').not.to.contain(directory.root)
  expect(await exists(directory.root), 'files').to.equal(false)
}

const cli = (...argv: string[]) =>
  execa(process.execPath, [CLI, '--lab', directory.root, ...argv], { reject: false, stdin: 'ignore' })

/** Starts `up`, kills it when `moment` has come, and returns what it had said. */
const killDuringUp = async (what: string, moment: () => Promise<boolean>): Promise<void> => {
  const making = cli('up', '--nodes', '1', '--disks', '1x256MiB', '--without-loam')
  await waitFor({ what, timeoutMs: 60_000, intervalMs: 20 }, moment)
  making.kill('SIGKILL')
  expect((await making).signal).to.equal('SIGKILL')
}

describe('lab: down', function () {
  this.timeout(300_000)
  afterEach(() => cli('down'))

  it('is content when there is no lab', async () => {
    expect((await cli('down')).exitCode).to.equal(0)
    await expectNothingLeft()
  })

  it('removes what an up leaves that was killed while the control plane started', async () => {
    await killDuringUp('etcd to be started', async () => {
      return (await recordedProcesses(directory.processes)).some(({ name }) => name === 'etcd')
    })
    expect((await cli('down')).exitCode).to.equal(0)
    await expectNothingLeft()
  })

  it('removes what an up leaves that was killed while a node booted', async () => {
    const moment = () => Promise.resolve(findVmProcess(directory.node('node1')) !== undefined)
    await killDuringUp('the virtual machine to be started', moment)
    expect(await processesOfLab()).not.to.deep.equal([])
    expect((await cli('down')).exitCode).to.equal(0)
    await expectNothingLeft()
  })

  it('need not come before the next up', async () => {
    const moment = () => Promise.resolve(findVmProcess(directory.node('node1')) !== undefined)
    await killDuringUp('the virtual machine to be started', moment)
    const again = await cli('up', '--nodes', '1', '--disks', '0x64MiB', '--without-loam')
    expect(again.stderr).to.contain('Clearing what is left')
    expect(again.exitCode).to.equal(0)
    expect((await cli('kubectl', 'get', 'nodes', '--output=name')).stdout).to.equal('node/node1')
    expect((await cli('down')).exitCode).to.equal(0)
    await expectNothingLeft()
  })
})
