import type { Vm } from '../lab/vm/types.ts'
import { withSingleVm } from '../lab/vm/with-single-vm.ts'
import type { Bench } from './bench.ts'
import { timeInGuest } from './guest-times.ts'
import { median, percentile } from './statistics.ts'

const ROUNDS = 50

const timeFromHost = async (vm: Vm): Promise<readonly number[]> => {
  const samples: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const before = performance.now()
    await vm.run(['/bin/true'])
    if (round > 0) samples.push(performance.now() - before)
  }
  return samples
}

/** What it costs to run a command in a VM from the host, against what the VM itself needs for the command. */
export const bench: Bench = ({ progress }) =>
  withSingleVm('bench', { disks: [] }, async ({ vm }) => {
    progress(`running /bin/true ${ROUNDS} times from the host and in the VM`)
    const host = await timeFromHost(vm)
    const { floor } = await timeInGuest(vm, ROUNDS, { floor: { command: ['/bin/true'] } })
    return [
      {
        name: 'vm-exec/true',
        ratio: median(host) / median(floor),
        goal: { atMost: 2 },
        raw: {
          execMs: median(host),
          execP95Ms: percentile(host, 0.95),
          floorMs: median(floor),
          rounds: ROUNDS,
        },
        method: `median of ${ROUNDS} runs of /bin/true through the exec server, over fork, exec and wait by bash in the same VM`,
      },
    ]
  })
