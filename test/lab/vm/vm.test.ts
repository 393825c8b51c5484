import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { errorOf, useVm, VM_TEST_TIMEOUT_MS } from './fixture.ts'
import { pathsOf } from './paths.ts'
import { findGroups, isRunning, waitUntil } from './processes.ts'
import { findVm, startVm } from './vm.ts'

describe('virtual machine', function () {
  this.timeout(VM_TEST_TIMEOUT_MS)
  const { vm, single, shell, start, cutAndStart } = useVm()

  it('is a machine of its own: changes to the root stay inside', async () => {
    await shell('echo inside > /etc/loam-lab-test')
    expect(await shell('cat /etc/loam-lab-test; hostname')).to.equal('inside\nvm1\n')
    expect(await readdir('/etc')).not.to.include('loam-lab-test')
  })

  it('shares a folder with the host, both ways', async () => {
    const { shared } = pathsOf(vm().directory)
    await writeFile(join(shared, 'from-host'), 'hello')
    expect(await shell('cat /run/lab/from-host; echo back > /run/lab/from-guest')).to.equal('hello')
    expect(await readFile(join(shared, 'from-guest'), 'utf8')).to.equal('back\n')
  })

  it('is found again by its directory, and cannot be started twice', async () => {
    const found = await findVm(vm().directory)
    expect(found?.pid).to.equal(vm().pid)
    expect(await found?.run(['echo', 'there'])).to.equal('there\n')
    expect(await errorOf(startVm(single().options))).to.equal('VM vm1: is running already')
  })

  it('keeps on its drives what was synced before a power cut', async () => {
    await shell('echo synced > /var/lib/kubelet/file; sync /var/lib/kubelet/file')
    await cutAndStart()
    expect(await shell('cat /var/lib/kubelet/file')).to.equal('synced\n')
  })

  it('keeps everything on its drives over power off', async () => {
    await shell('echo unsynced > /var/lib/kubelet/other')
    const { pid } = vm()
    await vm().powerOff()
    expect(isRunning(pid)).to.equal(false)
    await start()
    expect(await shell('cat /var/lib/kubelet/other')).to.equal('unsynced\n')
  })

  it('starts again when helpers are left of one that was killed', async () => {
    const { pid, directory } = vm()
    process.kill(pid, 'SIGKILL')
    expect(await waitUntil(() => !isRunning(pid), 10_000)).to.equal(true)
    expect(await findVm(directory)).to.equal(undefined)
    await start()
    expect(await shell('hostname')).to.equal('vm1\n')
  })

  it('says what its console said when it cannot boot', async () => {
    await vm().cut()
    const { network, ...rest } = single().options
    const message = await errorOf(startVm({ ...rest, network: { ...network, gateway: 'nowhere' } }))
    expect(message).to.match(/^VM vm1: ended while it booted; its console ends with:\n[^]*nowhere/)
    await start()
  })

  it('leaves no process, namespace or file when it is removed', async () => {
    const { directory, network } = single().options
    expect(findGroups(directory)).to.have.length(2)
    await single().stop()
    expect(findGroups(directory)).to.deep.equal([])
    expect((await execa('ip', ['netns', 'list'])).stdout).not.to.include(network.namespace)
    expect(await errorOf(access(directory))).to.include('ENOENT')
  })
})
