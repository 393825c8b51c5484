import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

const NAME = 'hold-persistent-volumes'
const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings'

/** No PersistentVolume can be made while this stands: it holds an agent between its two writes. */
export const forbidPersistentVolumes = async (lab: Lab): Promise<void> => {
  const rule = {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE'],
    resources: ['persistentvolumes'],
  }
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: 'false', message: 'held by a test' }],
  }
  await lab.api.json({ method: 'POST', path: POLICIES, body: { metadata: { name: NAME }, spec } })
  const binding = { policyName: NAME, validationActions: ['Deny'] }
  await lab.api.json({ method: 'POST', path: BINDINGS, body: { metadata: { name: NAME }, spec: binding } })
  const probe = {
    metadata: { name: 'probe' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Mi' }, hostPath: { path: '/probe' } },
  }
  await waitFor({ what: 'the policy to hold', timeoutMs: 240_000 }, async () => {
    const path = '/api/v1/persistentvolumes?dryRun=All'
    const { status } = await lab.api.send({ method: 'POST', path, body: probe })
    return status === 422 || status === 403
  })
}

export const allowPersistentVolumes = async (lab: Lab): Promise<void> => {
  await lab.api.send({ method: 'DELETE', path: `${BINDINGS}/${NAME}` })
  await lab.api.send({ method: 'DELETE', path: `${POLICIES}/${NAME}` })
}
