import { expect } from 'chai'
import { errorOf, useVm, VM_TEST_TIMEOUT_MS } from './fixture.ts'

describe('disks of a virtual machine', function () {
  this.timeout(VM_TEST_TIMEOUT_MS)
  const { vm, disk, shell, cutAndStart } = useVm()

  const isThere = async (name: string): Promise<boolean> =>
    (await vm().exec(['test', '-b', disk(name)])).exitCode === 0
  const missing = (group: string): Promise<string> =>
    shell(`vgs --noheadings -o missing_pv_count ${group} 2>/dev/null | tr -d ' \\n'`)

  it('have a volatile write cache: a power cut keeps what was flushed and loses what was not', async () => {
    const make = (name: string): Promise<string> => shell(`lvcreate -q -an -Zn -Wn -L 8M -n ${name} cache`)
    const flush = (): Promise<string> => shell(`sync ${disk('a')}`)
    const volumes = async (): Promise<string[]> =>
      (await shell('lvs --noheadings -o name cache')).trim().split(/\s+/)

    await shell(`vgcreate -q cache ${disk('a')}`)
    for (const round of [1, 2]) {
      await make(`flushed${round}`)
      await flush()
      await make(`lost${round}`)
      expect(await volumes()).to.include(`lost${round}`)
      await cutAndStart()
    }
    expect(await volumes()).to.deep.equal(['flushed1', 'flushed2'])
    await shell('vgremove -q -y cache')
  })

  it('can be pulled out under a volume group and put in again', async () => {
    await shell(`vgcreate -q pulled ${disk('a')} ${disk('b')}`)
    await vm().pull('b')
    expect(await missing('pulled')).to.equal('1')
    expect(await isThere('b')).to.equal(false)
    expect(await errorOf(vm().pull('b'))).to.include('disk b is not plugged in')
    await vm().plug('b')
    expect(await missing('pulled')).to.equal('0')
    expect(await errorOf(vm().plug('b'))).to.include('disk b is plugged in already')
    await shell('vgremove -q -y pulled')
  })

  it('stay out over a power cut when they were pulled', async () => {
    await vm().pull('b')
    await cutAndStart()
    expect([await isThere('a'), await isThere('b')]).to.deep.equal([true, false])
    await vm().plug('b')
    expect(await isThere('b')).to.equal(true)
  })

  it('are refused by name when the VM has none of that name', async () => {
    expect(await errorOf(vm().pull('z'))).to.equal('VM vm1: has no disk "z", only a, b')
  })
})
