import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LabError } from '../vm/errors.ts'
import { namespaceOf } from '../vm/network.ts'

/** Where a lab keeps everything it makes, and the names derived from that place. Deleting `root` deletes the lab. */
export interface LabDirectory {
  readonly root: string
  /** Name of the network namespace; different for every directory, so that labs cannot meet. */
  readonly namespace: string
  readonly stateFile: string
  readonly pki: string
  readonly kubeconfigs: string
  readonly controlPlane: string
  readonly logs: string
  readonly auditLog: string
  /** Unix socket on which `kubectl proxy` serves the API to processes outside the namespace. */
  readonly apiSocket: string
  /** Records of the processes started, one file each. */
  readonly processes: string
  /** Files that the nodes read; a name is never used twice, because a node keeps what it once read. */
  readonly share: string
  readonly node: (name: string) => string
}

/** unix(7): a socket's path ends at 107 bytes, and the lab's own socket is the longest that needs a full path. */
const LONGEST_ROOT = 107 - '/api.sock'.length

const checkRoot = (root: string): void => {
  const length = Buffer.byteLength(root)
  if (length > LONGEST_ROOT)
    throw new LabError(`lab directory "${root}"`, `is ${length} bytes long, too long for a socket in it`, {
      advice: `at most ${LONGEST_ROOT} bytes`,
    })
  if (/[\s,:'"]/.test(root))
    throw new LabError(`lab directory "${root}"`, 'has a space, comma, colon or quote in its name', {
      advice: 'virtual machines get it on their kernel command line; take another',
    })
}

/** Throws a LabError for a path that sockets or virtual machines cannot use. */
export const labDirectory = (path: string): LabDirectory => {
  const root = resolve(path)
  checkRoot(root)
  return {
    root,
    namespace: namespaceOf(root),
    stateFile: join(root, 'lab.json'),
    pki: join(root, 'pki'),
    kubeconfigs: join(root, 'kubeconfig'),
    controlPlane: join(root, 'control-plane'),
    logs: join(root, 'logs'),
    auditLog: join(root, 'logs', 'audit.jsonl'),
    apiSocket: join(root, 'api.sock'),
    processes: join(root, 'processes'),
    share: join(root, 'share'),
    node: (name) => join(root, 'nodes', name),
  }
}

/** Path of a user's kubeconfig: `admin`, a control plane process, or a node. */
export const kubeconfigOf = (directory: LabDirectory, user: string): string =>
  join(directory.kubeconfigs, `${user}.conf`)

export const makeDirectories = async (directory: LabDirectory): Promise<void> => {
  const { pki, kubeconfigs, controlPlane, logs, processes, share } = directory
  for (const path of [pki, kubeconfigs, controlPlane, logs, processes, share])
    await mkdir(path, { recursive: true })
}
