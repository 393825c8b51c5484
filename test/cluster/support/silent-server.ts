import { join } from 'node:path'
import { HOST_ADDRESS } from '../../lab/addresses.ts'
import type { Lab } from '../../lab/lab.ts'
import { launch, stopProcess } from '../../lab/runtime/processes.ts'

const PORT = 19443
const PROGRAM = `require('node:net').createServer(() => undefined).listen(${PORT}, '${HOST_ADDRESS}')`

export interface SilentServer {
  readonly address: string
  readonly url: string
  readonly stop: () => Promise<void>
}

/** A server beside the control plane that takes connections and never says a word. */
export const startSilentServer = async ({ directory }: Lab): Promise<SilentServer> => {
  const name = 'silent-server'
  const record = await launch({
    ...{ name, argv: [process.execPath, '-e', PROGRAM], namespace: directory.namespace },
    ...{ logFile: join(directory.logs, `${name}.log`), records: directory.processes },
  })
  return {
    address: HOST_ADDRESS,
    url: `https://${HOST_ADDRESS}:${PORT}`,
    stop: () => stopProcess(directory.processes, record),
  }
}
