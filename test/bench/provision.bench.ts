import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { bundlePrograms } from '../../scripts/build.ts'
import { ensurePrograms } from '../lab/programs/build.ts'
import { cacheDirectory } from '../lab/programs/cache.ts'
import { createProgress } from '../lab/runtime/progress.ts'
import { diskById } from '../lab/vm/disks.ts'
import { SHARED_MOUNT } from '../lab/vm/guest.ts'
import { pathsOf } from '../lab/vm/paths.ts'
import { withSingleVm } from '../lab/vm/with-single-vm.ts'
import type { Bench } from './bench.ts'
import type { Plan } from './provision/guest.ts'
import type { Figure } from './report.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Room for all volumes; files that hold only what is written. */
const DISK_BYTES = 32 * 2 ** 30
const RESULT = 'figures.json'

/**
 * What a claim costs from its annotation to its PersistentVolume: the real agent, a real control plane and who plays
 * scheduler, all in one VM, each figure over what a person or a script needs there for the same.
 */
export const bench: Bench = async ({ progress, scaled }) => {
  // In the VM there is nothing to build with.
  await ensurePrograms(
    ['etcd', 'kube-apiserver', 'kube-controller-manager'],
    process.env,
    createProgress((line) => process.stderr.write(line)),
  )
  await bundlePrograms(ROOT, join(ROOT, 'dist'))
  const disks = ['a', 'b'].map((name) => ({ name, sizeBytes: DISK_BYTES }))
  return withSingleVm('provision', { disks, memoryMiB: 4096 }, async ({ vm, options }) => {
    const plan: Plan = {
      disk: diskById(options.name, 'a'),
      byHandDisk: diskById(options.name, 'b'),
      rounds: Math.max(3, scaled(10)),
      together: scaled(30),
      idleSeconds: scaled(600),
      burst: scaled(100),
      total: scaled(500),
      restarts: Math.max(2, scaled(5)),
      foreignClaims: scaled(5000),
    }
    progress('measuring in the VM')
    const { exitCode } = await vm.exec(
      [
        'node_modules/.bin/node',
        'test/bench/provision/guest.ts',
        join(SHARED_MOUNT, RESULT),
        JSON.stringify(plan),
      ],
      {
        output: 'inherit',
        directory: ROOT,
        environment: {
          HOME: homedir(),
          LOAM_CACHE: cacheDirectory(process.env),
          KUBEBUILDER_ASSETS: process.env.KUBEBUILDER_ASSETS ?? '',
        },
      },
    )
    if (exitCode !== 0) throw new Error(`the measurements in the VM ended with status ${exitCode}`)
    const file = join(pathsOf(vm.directory).shared, RESULT)
    return JSON.parse(await readFile(file, 'utf8')) as readonly Figure[]
  })
}
