import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

export interface ClaimObject extends KubeObject {
  readonly spec: { readonly volumeName?: string }
  readonly status?: { readonly phase?: string; readonly capacity?: Readonly<Record<string, string>> }
}

export interface PersistentVolumeObject extends KubeObject {
  readonly spec: {
    readonly persistentVolumeReclaimPolicy: string
    readonly csi: { readonly volumeHandle: string }
    readonly nodeAffinity: unknown
  }
  readonly status: { readonly phase: string }
}

export interface ClaimOptions {
  readonly namespace: string
  readonly name: string
  readonly storageClass: string
  readonly size: string
  readonly volumeMode?: 'Filesystem' | 'Block'
  /** ReadWriteOnce when absent. */
  readonly accessMode?: 'ReadWriteMany'
}

const claimPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`
const volumePath = (name: string): string => `/api/v1/persistentvolumes/${name}`

export const createClaim = (lab: Lab, options: ClaimOptions): Promise<ClaimObject> =>
  lab.api.json<ClaimObject>({
    method: 'POST',
    path: `/api/v1/namespaces/${options.namespace}/persistentvolumeclaims`,
    body: {
      metadata: { name: options.name },
      spec: {
        storageClassName: options.storageClass,
        accessModes: [options.accessMode ?? 'ReadWriteOnce'],
        volumeMode: options.volumeMode ?? 'Filesystem',
        resources: { requests: { storage: options.size } },
      },
    },
  })

export const findClaim = (lab: Lab, namespace: string, name: string): Promise<ClaimObject | undefined> =>
  lab.api.find<ClaimObject>(claimPath(namespace, name))

export const waitForBound = (lab: Lab, namespace: string, name: string): Promise<ClaimObject> => {
  const describe = async () => JSON.stringify(await findClaim(lab, namespace, name))
  return waitFor(
    { what: `claim ${namespace}/${name} to be Bound`, timeoutMs: 240_000, describe },
    async () => {
      const claim = await findClaim(lab, namespace, name)
      return claim?.status?.phase === 'Bound' && claim
    },
  )
}

export const deleteClaim = async (lab: Lab, namespace: string, name: string): Promise<void> => {
  await lab.api.send({ method: 'DELETE', path: claimPath(namespace, name) })
  await waitFor({ what: `claim ${namespace}/${name} to be gone`, timeoutMs: 240_000 }, async () => {
    return (await findClaim(lab, namespace, name)) === undefined
  })
}

export const findPersistentVolume = (lab: Lab, name: string): Promise<PersistentVolumeObject | undefined> =>
  lab.api.find<PersistentVolumeObject>(volumePath(name))

export const setReclaimPolicy = (
  lab: Lab,
  name: string,
  policy: 'Delete' | 'Retain',
): Promise<PersistentVolumeObject> =>
  lab.api.json<PersistentVolumeObject>({
    method: 'PATCH',
    path: volumePath(name),
    contentType: 'application/merge-patch+json',
    body: { spec: { persistentVolumeReclaimPolicy: policy } },
  })

export const waitForNoPersistentVolume = (lab: Lab, name: string): Promise<true> => {
  const describe = async () => JSON.stringify(await findPersistentVolume(lab, name))
  return waitFor({ what: `PersistentVolume ${name} to be gone`, timeoutMs: 240_000, describe }, async () => {
    return (await findPersistentVolume(lab, name)) === undefined
  })
}

interface EventObject extends KubeObject {
  readonly reason: string
  readonly note?: string
  readonly regarding: { readonly name?: string; readonly kind?: string }
}

interface Told {
  /** Name of the object that it is about. */
  readonly about: string
  /** `reason: note`. */
  readonly text: string
}

/** The events of a namespace. */
export const eventsIn = async (lab: Lab, namespace: string): Promise<readonly Told[]> => {
  const events = await lab.api.list<EventObject>(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
  return events.map(({ regarding, reason, note }) => ({
    about: regarding.name ?? '',
    text: `${reason}: ${note ?? ''}`,
  }))
}

const eventsAbout = async (lab: Lab, namespace: string, name: string): Promise<readonly string[]> =>
  (await eventsIn(lab, namespace)).filter(({ about }) => about === name).map(({ text }) => text)

/** The first event about an object that matches. */
export const waitForEvent = (
  lab: Lab,
  namespace: string,
  name: string,
  wanted: RegExp,
  timeoutMs = 240_000,
): Promise<string> => {
  const describe = async () => (await eventsAbout(lab, namespace, name)).join(' | ')
  const what = `an event about ${namespace}/${name} that matches ${String(wanted)}`
  return waitFor({ what, timeoutMs, describe }, async () =>
    (await eventsAbout(lab, namespace, name)).find((text) => wanted.test(text)),
  )
}
