import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { readConfig } from '../../../scheduler/config.ts'
import { readManifests } from '../../support/manifests.ts'

const ROOT = join(import.meta.dirname, '../../..')

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface PodSpec {
  readonly securityContext: { readonly fsGroup: number }
  readonly containers: readonly [Container]
  readonly volumes: readonly {
    readonly secret: { readonly secretName: string; readonly defaultMode: number }
  }[]
}

interface SchedulerExtender {
  readonly urlPrefix: string
  readonly filterVerb: string
  readonly prioritizeVerb: string
  readonly httpTimeout: string
  readonly ignorable: boolean
  readonly nodeCacheCapable: boolean
  readonly enableHTTPS: boolean
  readonly tlsConfig: Readonly<Record<string, string>>
}

const patched = async (): Promise<PodSpec> => {
  const [component] = (await readManifests('daemonset/extender/kustomization.yaml')) as unknown as {
    patches: { patch: string }[]
  }[]
  return (parse(component?.patches[0]?.patch ?? '') as { spec: { template: { spec: PodSpec } } }).spec
    .template.spec
}

interface Certificate {
  readonly secretName: string
  readonly dnsNames?: readonly string[]
  readonly usages: readonly string[]
  readonly issuerRef: { readonly name: string }
}

describe('daemonset/extender', () => {
  it('gives the process what it needs to answer with TLS, at the port that the Service names', async () => {
    const { containers, volumes, securityContext } = await patched()
    const [{ env, ports, volumeMounts }] = containers
    const given = Object.fromEntries(env.map(({ name, value }) => [name, value]))
    const { extender } = readConfig({ ...given, POD_NAME: 'x', POD_UID: 'x', POD_NAMESPACE: 'x' })
    expect(extender).to.deep.equal({
      ...{ host: '0.0.0.0', port: 9443, filterVerb: 'filter', prioritizeVerb: 'prioritize' },
      tlsDirectory: volumeMounts[0]?.mountPath,
    })
    expect(ports).to.deep.equal([{ name: 'extender', containerPort: 9443 }])
    const [service] = await readManifests('daemonset/extender/service.yaml')
    expect(service?.spec.ports).to.deep.equal([{ name: 'extender', port: 443, targetPort: 'extender' }])
    expect(service?.spec.sessionAffinity).to.equal('ClientIP')
    expect(volumes[0]?.secret).to.deep.include({ secretName: 'loam-scheduler-tls', defaultMode: 0o440 })
    expect(securityContext.fsGroup, 'who may read the key').to.equal(65532)
  })

  it('is asked by the second scheduler as its verbs, its name and its certificates are', async () => {
    const [configuration] = (await readManifests(
      'daemonset/second-scheduler/configuration.yaml',
    )) as unknown as {
      data: Record<string, string>
    }[]
    const text = configuration?.data['configuration.yaml'] ?? ''
    const { extenders, profiles } = parse(text) as {
      extenders: readonly SchedulerExtender[]
      profiles: readonly unknown[]
    }
    expect(profiles).to.deep.equal([{ schedulerName: 'loam' }])
    const [extender] = extenders
    expect(extender).to.deep.include({
      ...{ urlPrefix: 'https://loam-scheduler.loam-system.svc', httpTimeout: '250ms', ignorable: true },
      ...{ filterVerb: 'filter', prioritizeVerb: 'prioritize', nodeCacheCapable: true, enableHTTPS: true },
    })
    // without an authority kube-scheduler believes anybody (pkg/scheduler/extender.go, makeTransport)
    expect(Object.keys(extender?.tlsConfig ?? {})).to.have.members(['caFile', 'certFile', 'keyFile'])
    const script = await readFile(join(ROOT, 'scripts/certificates'), 'utf8')
    expect(script).to.include('loam-scheduler.loam-system.svc')
  })

  it('has its certificates made by cert-manager for the Secrets and the name that are asked for', async () => {
    const objects = await readManifests('daemonset/examples/cert-manager.yaml')
    const leafOf = (name: string): Certificate => {
      const found = objects.find(({ kind, metadata }) => kind === 'Certificate' && metadata.name === name)
      if (found === undefined) throw new Error(`no Certificate "${name}"`)
      return found.spec as unknown as Certificate
    }
    const issuerRef = { name: 'loam-scheduler-ca' }
    const server = leafOf('loam-scheduler')
    const { volumes } = await patched()
    expect(server).to.deep.include({ issuerRef, secretName: volumes[0]?.secret.secretName })
    expect(server.dnsNames).to.deep.equal(['loam-scheduler.loam-system.svc'])
    expect(server.usages).to.include('server auth')
    const client = leafOf('loam-scheduler-client')
    expect(client).to.deep.include({ issuerRef })
    expect(client.usages).to.include('client auth')
    const second = await readFile(join(ROOT, 'daemonset/second-scheduler/deployment.yaml'), 'utf8')
    expect(second).to.include(`secretName: ${client.secretName}`)
  })
})
