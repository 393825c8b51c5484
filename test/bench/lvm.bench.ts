import { diskById } from '../lab/vm/disks.ts'
import { withSingleVm } from '../lab/vm/with-single-vm.ts'
import type { Bench } from './bench.ts'
import { guestParts } from './guest-parts.ts'
import { commandFigures } from './lvm/commands.ts'
import { costFigures } from './lvm/cost.ts'
import { createFigures } from './lvm/creates.ts'
import type { Parts } from './lvm/guest.ts'
import { idleFigures } from './lvm/idle.ts'
import { lifeFigures } from './lvm/lives.ts'
import { memoryFigures } from './lvm/memory.ts'

/** Room for 1,500 volumes of one extent; a file that holds only what is written. */
const DISK_BYTES = 8 * 2 ** 30

/** What the room of volumes costs on real LVM, each figure over a bare script or the distribution's LVM beside it. */
export const bench: Bench = ({ progress, scaled }) =>
  withSingleVm(
    'bench',
    { disks: [{ name: 'a', sizeBytes: DISK_BYTES }], memoryMiB: 2048 },
    async ({ vm, options }) => {
      const disk = diskById(options.name, 'a')
      const measure = await guestParts<Parts>(vm, 'test/bench/lvm/guest.ts', disk)
      progress('making a volume group')
      await measure('group')
      progress('timing commands')
      const commands = commandFigures(await measure('commands'))
      const bursts = [100, 500].map(scaled)
      progress(`making ${bursts.join(' and ')} volumes in a burst, and by a script`)
      const creates = createFigures(await measure('creates', Math.max(...bursts)), bursts)
      const held = [10, 100, 1000]
      progress(`making single volumes in groups of ${held.join(', ')}`)
      const cost = costFigures(await measure('cost', held))
      const lives = scaled(25)
      progress(`making and removing ${lives} volumes`)
      const life = lifeFigures(await measure('lives', lives))
      progress('doing nothing for a minute')
      const idle = idleFigures(await measure('idle', 500))
      progress('measuring memory')
      const memory = memoryFigures(await measure('memory', 500))
      return [...commands, ...creates, ...cost, ...life, ...idle, ...memory]
    },
  )
