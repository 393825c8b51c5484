import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

/** Makes a namespace with a name of its own and waits until pods can be made in it. */
export const createNamespace = async (lab: Lab): Promise<string> => {
  const { metadata } = await lab.api.json({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { metadata: { generateName: 'test-' } },
  })
  const account = `/api/v1/namespaces/${metadata.name}/serviceaccounts/default`
  const what = `the default service account of namespace ${metadata.name}`
  await waitFor({ what, timeoutMs: 60_000 }, () => lab.api.find(account))
  return metadata.name
}

/** Deletes it and waits until everything in it is gone. */
export const deleteNamespace = async (lab: Lab, name: string): Promise<void> => {
  const path = `/api/v1/namespaces/${name}`
  await lab.api.send({ method: 'DELETE', path })
  const describe = async () => JSON.stringify(await lab.api.find(path))
  await waitFor({ what: `namespace ${name} to be gone`, timeoutMs: 240_000, describe }, async () => {
    return (await lab.api.find(path)) === undefined
  })
}
