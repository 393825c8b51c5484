import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { createTransport } from '../../../kube/transport.ts'
import { makeAuthority, makeCertificate, writeKubeconfig } from '../../lab/control-plane/certificates.ts'
import { ensurePrograms } from '../../lab/programs/build.ts'
import { createProgress } from '../../lab/runtime/progress.ts'

/** A real etcd and kube-apiserver on loopback, without nodes and scheduler, and with the controllers that are named. */
export interface ApiServer {
  readonly port: number
  /** Holds ca.crt, the administrator's admin.crt and admin.key, and kubeconfig. */
  readonly directory: string
  readonly kubeconfig: string
  /** Written when a policy for it is given. */
  readonly auditLog: string
  /** Makes etcd forget all versions before `revision`, or before the newest. */
  compact(revision?: string): Promise<void>
  stop(): Promise<void>
}

/** In a VM, on a machine that is busy with other things, it takes half of it. */
const READY_WITHIN_MS = 120_000
const AUDIT_LOG = 'audit.log'

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const makeFiles = async (directory: string, port: number): Promise<void> => {
  await makeAuthority(directory)
  const alternativeNames = 'IP:127.0.0.1'
  await makeCertificate(directory, { name: 'server', subject: '/CN=kube-apiserver', alternativeNames })
  await makeCertificate(directory, { name: 'admin', subject: '/O=system:masters/CN=admin' })
  const server = `https://127.0.0.1:${port}`
  await writeKubeconfig(join(directory, 'kubeconfig'), { pki: directory, certificate: 'admin', server })
}

const etcdArguments = (directory: string, client: string, peer: string): string[] => [
  `--data-dir=${join(directory, 'etcd')}`,
  `--listen-client-urls=${client}`,
  `--advertise-client-urls=${client}`,
  `--listen-peer-urls=${peer}`,
  '--unsafe-no-fsync',
  '--log-level=warn',
]

const auditPolicyFile = (directory: string): string => join(directory, 'audit-policy.json')

const auditArguments = (directory: string): string[] => [
  `--audit-policy-file=${auditPolicyFile(directory)}`,
  `--audit-log-path=${join(directory, AUDIT_LOG)}`,
  // One file, written before the answer is sent: who has the answer finds the request in it.
  '--audit-log-maxsize=10000',
  '--audit-log-mode=blocking',
]

const apiServerArguments = (directory: string, etcd: string, port: number): string[] => [
  `--etcd-servers=${etcd}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--tls-cert-file=${join(directory, 'server.crt')}`,
  `--tls-private-key-file=${join(directory, 'server.key')}`,
  `--client-ca-file=${join(directory, 'ca.crt')}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${join(directory, 'service-account.key')}`,
  `--service-account-signing-key-file=${join(directory, 'service-account.key')}`,
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  '--allow-privileged=true',
  '--service-cluster-ip-range=10.96.0.0/16',
  '--etcd-compaction-interval=0',
  // Without a cache, compaction of etcd shows at once in lists and watches of ConfigMaps.
  '--watch-cache-sizes=configmaps#0',
]

const controllerManagerArguments = (directory: string, controllers: readonly string[]): string[] => [
  `--kubeconfig=${join(directory, 'kubeconfig')}`,
  `--controllers=${controllers.join()}`,
  '--leader-elect=false',
  '--secure-port=0',
]

const start = (directory: string, program: string, argv: readonly string[]) => {
  const logFile = join(directory, 'program.log')
  const output = { file: logFile, append: true }
  const child = execa(program, argv, { stdin: 'ignore', stdout: output, stderr: output, reject: false })
  const ended = child.then(async ({ exitCode }) => {
    const log = await readFile(logFile, 'utf8').catch(() => '')
    return `${program} ended with ${exitCode ?? 'a signal'}: ${log.slice(-2000)}`
  })
  return { ended, kill: () => child.kill() }
}

type Program = ReturnType<typeof start>

/** `isHealthy`: also all that it does after its start, for which kube-controller-manager waits ten seconds and then ends. */
const waitUntilReady = async (kubeconfig: string, program: Program, isHealthy: boolean): Promise<void> => {
  let last: unknown
  const transport = createTransport({ connection: await kubeconfigConnection(kubeconfig) })
  const died = program.ended.then((how) => {
    throw new Error(how)
  })
  const ask = async (): Promise<void> => {
    const deadline = performance.now() + READY_WITHIN_MS
    while (performance.now() < deadline) {
      try {
        // The namespace "default" comes last: once it is there, objects can be made.
        const request = { method: 'GET', object: 'the API server' } as const
        await transport.json({ ...request, path: '/api/v1/namespaces/default' })
        if (isHealthy) (await transport.stream({ ...request, path: '/healthz' })).resume()
        return
      } catch (error) {
        last = error
      }
      await sleep(100)
    }
    throw new Error('the API server did not become ready', { cause: last })
  }
  try {
    await Promise.race([ask(), died])
  } finally {
    transport.close()
  }
}

const etcdCall = async (etcd: string, path: string, body: object): Promise<unknown> => {
  const response = await fetch(`${etcd}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

const compact = async (etcd: string, revision?: string): Promise<void> => {
  const status = (await etcdCall(etcd, 'maintenance/status', {})) as { header: { revision: string } }
  await etcdCall(etcd, 'kv/compaction', { revision: revision ?? status.header.revision, physical: true })
}

export interface ApiServerOptions {
  /** Controllers of kube-controller-manager that run beside it; none when absent. */
  readonly controllers?: readonly string[]
  /** An audit.k8s.io/v1 Policy: which requests are written to the audit log. */
  readonly auditPolicy?: object
}

/** Starts them, and waits until objects can be made. `stop` ends them and removes their files. */
export const startApiServer = async (options: ApiServerOptions = {}): Promise<ApiServer> => {
  const { controllers = [], auditPolicy } = options
  const progress = createProgress((line) => process.stderr.write(line))
  const wanted = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const
  const paths = await ensurePrograms(wanted, process.env, progress)
  const directory = await mkdtemp(join(tmpdir(), 'loam-api-server-'))
  const [clientPort, peerPort, port] = await Promise.all([freePort(), freePort(), freePort()])
  const etcdUrl = `http://127.0.0.1:${clientPort}`
  const kubeconfig = join(directory, 'kubeconfig')
  await makeFiles(directory, port)
  if (auditPolicy !== undefined) await writeFile(auditPolicyFile(directory), JSON.stringify(auditPolicy))
  const programs: Program[] = []
  const stop = async (): Promise<void> => {
    for (const program of programs.reverse()) {
      program.kill()
      await program.ended
    }
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const etcdArgv = etcdArguments(directory, etcdUrl, `http://127.0.0.1:${peerPort}`)
    programs.push(start(directory, paths.etcd, etcdArgv))
    const server = start(directory, paths['kube-apiserver'], [
      ...apiServerArguments(directory, etcdUrl, port),
      ...(auditPolicy === undefined ? [] : auditArguments(directory)),
    ])
    programs.push(server)
    await waitUntilReady(kubeconfig, server, controllers.length > 0)
    const argv = controllerManagerArguments(directory, controllers)
    if (controllers.length > 0) programs.push(start(directory, paths['kube-controller-manager'], argv))
  } catch (error) {
    await stop()
    throw error
  }
  const auditLog = join(directory, AUDIT_LOG)
  return { port, directory, kubeconfig, auditLog, compact: (revision) => compact(etcdUrl, revision), stop }
}
