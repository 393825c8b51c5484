import { join } from 'node:path'
import { describeBytes } from '../../../core/quantity.ts'
import type { Lab } from '../lab.ts'
import { agentPods, describeAgent } from '../loam/agent-pods.ts'
import { nodeReadiness } from '../node/ready.ts'
import { memoryOfLab } from '../runtime/memory.ts'
import { isAlive, recordedProcesses } from '../runtime/processes.ts'
import { diskById } from '../vm/disks.ts'
import { isPulled } from '../vm/guest.ts'
import { findVmProcess } from '../vm/processes.ts'

const nodeLines = async (lab: Lab): Promise<string[]> => {
  const lines: string[] = []
  for (const { name } of lab.state.nodes) {
    const folder = lab.directory.node(name)
    const pid = findVmProcess(folder)
    const machine = pid === undefined ? 'cut' : `pid ${pid}`
    lines.push(`node ${name}: Ready=${await nodeReadiness(lab.api, name)}, virtual machine ${machine}`)
    for (const disk of lab.state.disks) {
      const place = (await isPulled(folder, disk.name)) ? ', pulled out' : ''
      const size = describeBytes(BigInt(disk.sizeBytes))
      lines.push(`  disk ${disk.name}: ${size}, ${diskById(name, disk.name)}${place}`)
    }
  }
  return lines
}

const processLines = async (lab: Lab): Promise<string[]> => {
  const records = await recordedProcesses(lab.directory.processes)
  const line = async (record: (typeof records)[number]) =>
    (await isAlive(record))
      ? `${record.name}: pid ${record.pid}`
      : `${record.name}: ENDED, see ${join(lab.directory.logs, `${record.name}.log`)}`
  return Promise.all(records.map(line))
}

/** What runs in the lab and where, a line each. */
export const describeLab = async (lab: Lab): Promise<string> => {
  const memory = await memoryOfLab(lab.directory.namespace)
  const lines = [
    `lab in ${lab.directory.root}, network namespace ${lab.directory.namespace}`,
    ...(lab.state.complete ? [] : ['NOT COMPLETE: its making goes on, or failed (then: scripts/lab down)']),
    ...(await processLines(lab)),
    ...(await nodeLines(lab)),
    ...(await agentPods(lab.api)).map((pod) => `agent ${describeAgent(pod)}`),
    `memory of all: ${describeBytes(BigInt(memory))}`,
  ]
  return `${lines.join('\n')}\n`
}
