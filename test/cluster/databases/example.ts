import type { Lab } from '../../lab/lab.ts'
import { LabError } from '../../lab/vm/errors.ts'
import { readManifests, type Manifest } from '../../support/manifests.ts'

/** What of the example cannot be the same in a lab. */
export interface Replacements {
  readonly disks: readonly { readonly nodes: readonly string[]; readonly disks: readonly string[] }[]
  readonly image: string
  /** Of the claim, as Kubernetes writes it. */
  readonly size: string
}

interface StatefulSetSpec {
  readonly template: { readonly spec: Record<'initContainers' | 'containers', { image: string }[]> }
  readonly volumeClaimTemplates: readonly {
    readonly spec: { resources: { requests: { storage: string } } }
  }[]
}

const replace = (manifest: Manifest, { disks, image, size }: Replacements): Manifest => {
  if (manifest.kind === 'StorageClass') {
    const { parameters } = manifest as Manifest & { parameters: Record<string, string> }
    parameters.disks = JSON.stringify(disks)
  }
  if (manifest.kind === 'StatefulSet') {
    const { template, volumeClaimTemplates } = manifest.spec as unknown as StatefulSetSpec
    for (const container of [...template.spec.initContainers, ...template.spec.containers])
      container.image = image
    for (const { spec } of volumeClaimTemplates) spec.resources.requests.storage = size
  }
  return manifest
}

/** Applies daemonset/examples/postgresql.yaml in a namespace, all of it but for the replacements. */
export const applyExample = async (lab: Lab, namespace: string, changes: Replacements): Promise<void> => {
  const manifests = await readManifests('daemonset/examples/postgresql.yaml')
  const items = manifests.map((manifest) => replace(manifest, changes))
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  const { exitCode, stderr } = await lab.kubectl(['apply', '--namespace', namespace, '--filename', '-'], list)
  if (exitCode !== 0)
    throw new LabError('daemonset/examples/postgresql.yaml', `kubectl apply failed: ${stderr}`)
}
