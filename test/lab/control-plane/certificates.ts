import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { API_SERVICE_ADDRESS, HOST_ADDRESS } from '../addresses.ts'
import { LabError } from '../vm/errors.ts'

/** A name of a certificate: its file is `NAME.crt` beside `NAME.key`. */
interface CertificateRequest {
  readonly name: string
  /** Distinguished name in openssl's form: `/O=group/CN=user`. Kubernetes reads O as group and CN as user. */
  readonly subject: string
  readonly alternativeNames?: string
}

const VALIDITY_DAYS = '365'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']

const openssl = async (pki: string, object: string, argv: readonly string[]): Promise<void> => {
  const { exitCode, stderr } = await execa('openssl', argv, { cwd: pki, reject: false })
  if (exitCode !== 0) throw new LabError(object, `openssl ${argv[0] ?? ''} failed: ${stderr}`)
}

const files = (name: string): string[] => ['-keyout', `${name}.key`, '-out', `${name}.crt`]

/** Makes `ca.crt`, the key pair that signs service account tokens, and nothing else. */
export const makeAuthority = async (pki: string): Promise<void> => {
  const lifetime = ['-days', VALIDITY_DAYS, '-subj', '/CN=lab']
  await openssl(pki, 'certificate authority', ['req', '-x509', ...NEW_KEY, ...lifetime, ...files('ca')])
  await openssl(pki, 'service account key', ['genrsa', '-out', 'service-account.key', '2048'])
}

/** Makes a certificate signed by the authority, for servers and for clients. */
export const makeCertificate = async (pki: string, request: CertificateRequest): Promise<void> => {
  const { name, subject, alternativeNames = `DNS:${name}` } = request
  const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', VALIDITY_DAYS]
  const extensions = ['-addext', `subjectAltName=${alternativeNames}`, '-addext', 'basicConstraints=CA:FALSE']
  const argv = ['req', '-x509', ...signer, ...NEW_KEY, '-subj', subject, ...extensions, ...files(name)]
  await openssl(pki, `certificate ${name}`, argv)
}

/** The groups and names are those that Kubernetes' built-in roles are bound to (PKI certificates and requirements). */
const CONTROL_PLANE: readonly CertificateRequest[] = [
  {
    name: 'apiserver',
    subject: '/CN=kube-apiserver',
    alternativeNames: `IP:${HOST_ADDRESS},IP:127.0.0.1,IP:${API_SERVICE_ADDRESS},DNS:kubernetes,DNS:kubernetes.default.svc`,
  },
  { name: 'kubelet-client', subject: '/O=system:masters/CN=kube-apiserver-kubelet-client' },
  { name: 'admin', subject: '/O=system:masters/CN=admin' },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager' },
  { name: 'scheduler', subject: '/CN=system:kube-scheduler' },
]

export const makeControlPlaneCertificates = async (pki: string): Promise<void> => {
  await makeAuthority(pki)
  await Promise.all(CONTROL_PLANE.map((request) => makeCertificate(pki, request)))
}

/** Client certificate that the Node authorizer and NodeRestriction recognise as this node's kubelet. */
export const makeNodeCertificate = (pki: string, node: string): Promise<void> =>
  makeCertificate(pki, { name: node, subject: `/O=system:nodes/CN=system:node:${node}` })

/** Writes a kubeconfig for the certificate of that name; it refers to the files in `pki` by absolute path. */
export const writeKubeconfig = async (
  file: string,
  options: { readonly pki: string; readonly certificate: string; readonly server: string },
): Promise<void> => {
  const { pki, certificate, server } = options
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority': join(pki, 'ca.crt') } }],
    users: [
      {
        name: certificate,
        user: {
          'client-certificate': join(pki, `${certificate}.crt`),
          'client-key': join(pki, `${certificate}.key`),
        },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: certificate } }],
    'current-context': 'lab',
  }
  await writeFile(file, JSON.stringify(config, undefined, 2), { mode: 0o600 })
}
