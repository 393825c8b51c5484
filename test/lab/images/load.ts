import { randomBytes } from 'node:crypto'
import { access, copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOfFile, hexOf } from '../../../scripts/oci/digest.ts'
import type { Lab } from '../lab.ts'
import { LabError } from '../vm/errors.ts'

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** A node keeps what it once read of a file of the host, so every content gets a name of its own. */
const share = async (lab: Lab, archive: string): Promise<string> => {
  if (!(await exists(archive))) throw new LabError(`image archive ${archive}`, 'does not exist')
  const shared = join(lab.directory.share, `${hexOf(await digestOfFile(archive)).slice(0, 16)}.tar`)
  const unfinished = `${shared}.${randomBytes(4).toString('hex')}`
  if (await exists(shared)) return shared
  await copyFile(archive, unfinished)
  await rename(unfinished, shared)
  return shared
}

/**
 * Run by bash with the node's environment file and the archive. A node that has just booted may not have containerd yet;
 * the environment says where its programs are.
 */
const IMPORT = `. "$0"
for _ in {1..300}; do [ -S /run/containerd/containerd.sock ] && break; sleep 0.2; done
PATH=$LAB_PROGRAMS:$PATH exec ctr --namespace k8s.io image import "$1"`

/** Imports an image archive (docker or OCI layout, as a tar) into the containerd of nodes, of all by default. */
export const loadImage = async (
  lab: Lab,
  archive: string,
  nodes: Lab['state']['nodes'] = lab.state.nodes,
): Promise<void> => {
  const shared = await share(lab, archive)
  const load = async ({ name }: { readonly name: string }): Promise<void> => {
    const vm = await lab.vm(name)
    const { exitCode, stderr } = await vm.exec([
      'bash',
      '-c',
      IMPORT,
      join(vm.directory, 'script.env'),
      shared,
    ])
    if (exitCode !== 0)
      throw new LabError(`image archive ${archive}`, `node ${name} cannot import it: ${stderr}`)
  }
  await Promise.all(nodes.map(load))
}
