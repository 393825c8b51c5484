import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from '../lab.ts'
import { agentLog } from '../loam/agent-log.ts'
import { LabError } from '../vm/errors.ts'
import { pathsOf } from '../vm/paths.ts'
import type { LogName } from './arguments.ts'

const nodeLog = async (lab: Lab, node: string, log: Exclude<LogName, 'agent'>): Promise<string> => {
  const file = join(pathsOf(lab.directory.node(node)).shared, `${log}.log`)
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new LabError(`${log} of node ${node}`, `has no log in ${file}`, { cause })
  })
}

/** Log of one node, or of all with a heading each. */
export const readLogs = async (lab: Lab, node: string | undefined, log: LogName): Promise<string> => {
  const all = lab.state.nodes.map(({ name }) => name)
  if (node !== undefined && !all.includes(node))
    throw new LabError(`node ${node}`, 'is not in this lab', { advice: `nodes: ${all.join(', ')}` })
  const read = (name: string) => (log === 'agent' ? agentLog(lab, name) : nodeLog(lab, name, log))
  if (node !== undefined) return read(node)
  const parts = all.map(async (name) => `==> ${name} ${log} <==\n${await read(name)}`)
  return (await Promise.all(parts)).join('\n')
}
