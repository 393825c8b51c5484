import { join } from 'node:path'
import { deviceFilter, writeLvmConfig } from '../../lvm/lvm-config.ts'
import { diskById } from '../lab/vm/disks.ts'
import { SHARED_MOUNT } from '../lab/vm/guest.ts'
import { pathsOf } from '../lab/vm/paths.ts'
import { withSingleVm } from '../lab/vm/with-single-vm.ts'
import type { Bench } from './bench.ts'
import { timeInGuest } from './guest-times.ts'
import type { Figure } from './report.ts'
import { median, percentile } from './statistics.ts'

const ROUNDS = 15
const GROUP = 'bench'
const CREATE = ['-an', '-Zn', '-Wn', '-L', '8M', '-n', 'volume', GROUP]

const figureOf = (
  command: string,
  goal: number,
  loam: readonly number[],
  standard: readonly number[],
): Figure => ({
  name: `lvm-command/${command}`,
  ratio: median(loam) / median(standard),
  goal: { atMost: goal },
  raw: {
    loamMs: median(loam),
    loamP95Ms: percentile(loam, 0.95),
    standardMs: median(standard),
    standardP95Ms: percentile(standard, 0.95),
    rounds: ROUNDS,
  },
  method: `median of ${ROUNDS} runs in one VM, in turns: ${command} with Loam's lvm.conf and one disk, over ${command} with the distribution's lvm.conf`,
})

/** What an LVM command costs with the configuration that the agent writes, against the distribution's. */
export const bench: Bench = ({ progress }) =>
  withSingleVm(
    'bench',
    { disks: ['a', 'b', 'c'].map((name) => ({ name, sizeBytes: 2 ** 30 })) },
    async (session) => {
      const { vm, options } = session
      const disk = diskById(options.name, 'a')
      await writeLvmConfig(join(pathsOf(vm.directory).shared, 'lvm'), 'host')
      await vm.run(['vgcreate', GROUP, disk])
      progress(`timing vgs and lvcreate, ${ROUNDS} rounds`)

      const own = (name: string, ...args: readonly string[]): readonly string[] => [
        ...['env', `LVM_SYSTEM_DIR=${SHARED_MOUNT}/lvm`, name, '--config', deviceFilter([disk]), ...args],
      ]
      // env in both, so that its cost is in both
      const standard = (name: string, ...args: readonly string[]): readonly string[] => ['env', name, ...args]
      const undo = own('lvremove', '-f', `${GROUP}/volume`)
      const times = await timeInGuest(vm, ROUNDS, {
        loamVgs: { command: own('vgs', GROUP) },
        standardVgs: { command: standard('vgs', GROUP) },
        loamLvcreate: { command: own('lvcreate', ...CREATE), undo },
        standardLvcreate: { command: standard('lvcreate', ...CREATE), undo },
      })
      return [
        figureOf('vgs', 0.8, times.loamVgs, times.standardVgs),
        figureOf('lvcreate', 0.8, times.loamLvcreate, times.standardLvcreate),
      ]
    },
  )
