import { readFile } from 'node:fs/promises'

/** Processes that this one has started and that have not ended: all are started by its main thread (proc(5)). */
export const childPids = async (): Promise<number[]> => {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  return children.split(' ').flatMap((pid) => (pid.trim() === '' ? [] : [Number(pid)]))
}

const isLvmAtWork = async (pid: number): Promise<boolean> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return /^Name:\tlvm$/m.test(status) && !/^State:\tZ/m.test(status)
}

/** The shells of LVM that this process keeps, and any other `lvm` that it has started. */
export const lvmShellPids = async (): Promise<number[]> => {
  const shells: number[] = []
  for (const pid of await childPids()) if (await isLvmAtWork(pid)) shells.push(pid)
  return shells
}
