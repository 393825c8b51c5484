import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

const ROOT = join(import.meta.dirname, '../..')

interface Rule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly resourceNames?: string[]
  readonly verbs: string[]
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; labels?: Record<string, string> }
  readonly rules?: Rule[]
  readonly roleRef?: { kind: string; name: string }
  readonly subjects?: { kind: string; name: string; namespace: string }[]
  readonly resources?: string[]
  readonly spec: Record<string, unknown>
}

/** The objects of a YAML file of the repository. @throws Error when it is not YAML */
export const readManifests = async (path: string): Promise<Manifest[]> => {
  const documents = parseAllDocuments(await readFile(join(ROOT, path), 'utf8'))
  if (!Array.isArray(documents)) throw new Error(`${path} holds no documents`)
  return documents.map((document) => {
    const [fault] = document.errors
    if (fault !== undefined) throw new Error(path, { cause: fault })
    return document.toJS() as Manifest
  })
}

/** All that `kubectl apply -k daemonset` installs, but for the CRD, which is in a directory of its own. */
export const readDaemonset = async (): Promise<Manifest[]> => {
  const [kustomization] = await readManifests('daemonset/kustomization.yaml')
  const files = kustomization?.resources?.filter((name) => name.endsWith('.yaml')) ?? []
  return (await Promise.all(files.map((name) => readManifests(join('daemonset', name))))).flat()
}
