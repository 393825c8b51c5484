import { diskById } from '../../lab/vm/disks.ts'
import { withSingleVm } from '../../lab/vm/with-single-vm.ts'
import type { Bench } from '../bench.ts'
import { guestParts } from '../guest-parts.ts'
import { tell } from '../report.ts'
import { callFigures } from './calls.ts'
import { fioFigures } from './fio.ts'
import type { Parts } from './guest.ts'
import { statsFigures } from './stats.ts'

const FEW = 10
const GIB = 2 ** 30
/** For what is not of the calls: 500 volumes of one extent, four of fio. */
const OTHER_BYTES = 8 * GIB

/** The CSI service of a node on real LVM, in one VM without Kubernetes. */
export const measureOnNode: Bench = ({ progress, scaled }) => {
  // odd numbers: of an even number of samples the median is the upper one of two
  const rounds = Math.max(3, scaled(11))
  const many = Math.max(2 * FEW, scaled(500))
  const fioRounds = Math.max(3, scaled(11))
  // each round has a volume of 1 GiB and another one of the script
  const sizeBytes = OTHER_BYTES + 2 * (rounds + 1) * GIB
  return withSingleVm(
    'csi',
    { disks: [{ name: 'a', sizeBytes }], memoryMiB: 2048 },
    async ({ vm, options }) => {
      const measure = await guestParts<Parts>(vm, 'test/bench/csi/guest.ts', diskById(options.name, 'a'))
      progress('making a volume group')
      await measure('group')
      progress(`staging and publishing ${rounds + 1} volumes, and as many by a script`)
      const calls = tell(progress, callFigures(await measure('calls', rounds)))
      progress(`running fio ${fioRounds} rounds`)
      const fio = tell(progress, fioFigures(await measure('fio', fioRounds)))
      progress(`asking for the stats of ${FEW} and of ${many} volumes`)
      const stats = tell(progress, statsFigures(await measure('stats', { few: FEW, many })))
      return [...calls, ...fio, ...stats]
    },
  )
}
