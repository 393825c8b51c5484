import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { API_SERVER_URL } from '../addresses.ts'
import type { Programs } from '../programs/build.ts'
import type { ApiClient } from '../runtime/api.ts'
import { kubeconfigOf, type LabDirectory } from '../runtime/directory.ts'
import { isAlive, launch, type ProcessRecord } from '../runtime/processes.ts'
import { waitFor } from '../runtime/wait.ts'
import { LabError } from '../vm/errors.ts'
import { AUDIT_POLICY } from './audit-policy.ts'
import { makeControlPlaneCertificates, writeKubeconfig } from './certificates.ts'
import {
  apiProxyArguments,
  apiServerArguments,
  controllerManagerArguments,
  etcdArguments,
  schedulerConfig,
  schedulerConfigFile,
} from './command-lines.ts'

type ControlPlanePrograms = Programs<
  'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubectl'
>

const USERS = ['admin', 'controller-manager', 'scheduler']

/** Certificates, kubeconfigs and policies of the control plane; nodes need the authority that this makes. */
export const makeControlPlaneFiles = async (directory: LabDirectory): Promise<void> => {
  const { pki, controlPlane } = directory
  await makeControlPlaneCertificates(pki)
  for (const certificate of USERS) {
    const file = kubeconfigOf(directory, certificate)
    await writeKubeconfig(file, { pki, certificate, server: API_SERVER_URL })
  }
  await writeFile(join(controlPlane, 'audit-policy.json'), JSON.stringify(AUDIT_POLICY))
  await writeFile(schedulerConfigFile(directory), JSON.stringify(schedulerConfig(directory)))
}

const waitUntilReady = (
  api: ApiClient,
  apiServer: ProcessRecord,
  directory: LabDirectory,
): Promise<boolean> =>
  waitFor({ what: 'the API server to be ready', timeoutMs: 60_000, intervalMs: 100 }, async () => {
    if (!(await isAlive(apiServer)))
      throw new LabError('kube-apiserver', 'ended', {
        advice: `see ${join(directory.logs, 'kube-apiserver.log')}`,
      })
    return api.isReady()
  })

/** Starts etcd, the API server, the controller manager and the scheduler, and waits until the API answers. */
export const startControlPlane = async (
  directory: LabDirectory,
  programs: ControlPlanePrograms,
  api: ApiClient,
): Promise<void> => {
  const start = (name: keyof ControlPlanePrograms, argv: string[], recordName: string = name) =>
    launch({
      name: recordName,
      argv: [programs[name], ...argv],
      namespace: directory.namespace,
      logFile: join(directory.logs, `${recordName}.log`),
      records: directory.processes,
    })
  await start('etcd', etcdArguments(directory))
  const apiServer = await start('kube-apiserver', apiServerArguments(directory))
  await start('kubectl', apiProxyArguments(directory), 'api-proxy')
  await waitUntilReady(api, apiServer, directory)
  await start('kube-controller-manager', controllerManagerArguments(directory))
  await start('kube-scheduler', [`--config=${schedulerConfigFile(directory)}`])
}
