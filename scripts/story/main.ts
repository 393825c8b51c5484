import { parseArgs } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import { down } from '../../test/lab/down.ts'
import { openLab, type Lab } from '../../test/lab/lab.ts'
import { labDirectory, type LabDirectory } from '../../test/lab/runtime/directory.ts'
import { createProgress, formatSeconds } from '../../test/lab/runtime/progress.ts'
import { readState } from '../../test/lab/runtime/state.ts'
import { up } from '../../test/lab/up.ts'
import { NAMESPACE } from './manifests.ts'
import { cleanUp, STEPS, type Step } from './steps.ts'
import { Teller } from './teller.ts'

const write = (text: string): void => void process.stdout.write(text)

const options = {
  keep: { type: 'boolean', default: false },
  lab: { type: 'string', default: '.lab/demo' },
} as const

const bringUp = async (directory: LabDirectory): Promise<void> => {
  write('# A cluster of three nodes with real disks, and Loam installed by "kubectl apply -k daemonset"\n')
  await up(directory, {
    nodes: 3,
    disks: { count: 2, sizeBytes: 2 ** 30 },
    withLoam: true,
    environment: process.env,
    progress: createProgress(write),
  })
}

const tellStep = async (teller: Teller, { title, tell }: Step, number: number): Promise<void> => {
  try {
    await tell(teller)
  } catch (error) {
    throw new Error(`step ${number}, "${title}", was not as told: ${messageOf(error)}`, { cause: error })
  }
}

/** For whoever reads why a step was not as told. */
const showState = async (teller: Teller): Promise<void> => {
  for (const command of [`get pod,pvc,pv,nls -o wide -n ${NAMESPACE}`, `events -n ${NAMESPACE}`])
    await teller.kubectl(...command.split(' ')).catch((error: unknown) => write(`${messageOf(error)}\n`))
}

/** Tells every step, or throws at the first that is not as told. */
const tellAll = async (lab: Lab): Promise<void> => {
  const teller = new Teller(lab, write)
  const started = performance.now()
  await cleanUp(teller)
  await lab.kubectl(['create', 'namespace', NAMESPACE])
  try {
    for (const [index, step] of STEPS.entries()) {
      write(`\n# ${index + 1}. ${step.title}\n`)
      await tellStep(teller, step, index + 1)
    }
  } catch (error) {
    await showState(teller)
    await cleanUp(teller).catch((second: unknown) => {
      write(`\nNot all is cleaned up: ${messageOf(second)}\n`)
    })
    throw error
  }
  await cleanUp(teller)
  write(`\nAll ${STEPS.length} steps went as told, in ${formatSeconds(performance.now() - started)}.\n`)
}

const main = async (): Promise<void> => {
  const { keep, lab: path } = parseArgs({ options, strict: true }).values
  const directory = labDirectory(path)
  const isOurs = (await readState(directory))?.complete !== true
  try {
    if (isOurs) await bringUp(directory)
    await tellAll(await openLab(directory.root, process.env))
  } finally {
    if (isOurs && !keep) await down(directory, process.env)
    if (isOurs && keep)
      write(`\nThe lab is kept: scripts/lab --lab ${path} status; scripts/lab --lab ${path} down\n`)
  }
}

try {
  await main()
} catch (error) {
  console.error(`scripts/demo: ${messageOf(error)}`)
  process.exitCode = 1
}
