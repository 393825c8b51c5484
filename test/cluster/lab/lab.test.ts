import { resolve } from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { API_SERVICE_ADDRESS } from '../../lab/addresses.ts'
import { loadImage } from '../../lab/images/load.ts'
import type { Lab } from '../../lab/lab.ts'
import type { PodObject } from '../../lab/loam/agent-pods.ts'
import { nodeReadiness } from '../../lab/node/ready.ts'
import { memoryOfLab } from '../../lab/runtime/memory.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { diskById } from '../../lab/vm/disks.ts'
import { auditEvents } from '../support/audit-log.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { makeOwnLab, removeOwnLab } from '../support/own-lab.ts'
import { createPod, deletePod, execInPod, waitForPod } from '../support/pods.ts'
import { writeTestImage } from '../support/test-image.ts'

const LAB = 'lab'
const COMMAND = resolve(import.meta.dirname, '../../../scripts/lab')

describe('lab', function () {
  this.timeout(600_000)
  let lab: Lab
  let namespace: string

  const command = (...argv: string[]) =>
    execa(COMMAND, ['--lab', lab.directory.root, ...argv], { reject: false, stdin: 'ignore' })
  const runningPod = async (name: string, node: string): Promise<PodObject> => {
    await createPod(lab, { namespace, name, node })
    return waitForPod(lab, namespace, name)
  }

  before(async () => {
    lab = await makeOwnLab({ name: LAB, nodes: 2, disks: 2 })
    namespace = await createNamespace(lab)
  })
  after(() => removeOwnLab(LAB))

  it('has nodes that are Ready, and says what it runs', async () => {
    const { stdout, exitCode } = await command('status')
    expect(exitCode).to.equal(0)
    expect(stdout).to.contain('node node1: Ready=True').and.to.contain('node node2: Ready=True')
    expect(stdout).to.contain(diskById('node1', 'a'))
  })

  it('keeps within its memory goal', async () => {
    expect(await memoryOfLab(lab.directory.namespace)).to.be.within(2 ** 28, 4 * 2 ** 30)
  })

  it('refuses a second lab in the same directory', async () => {
    const { exitCode, stderr } = await command('up', '--nodes', '1', '--without-loam')
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain('is up already')
    expect(await nodeReadiness(lab.api, 'node1')).to.equal('True')
  })

  it('passes output and exit status of a command on a node through', async () => {
    const { stdout, stderr, exitCode } = await command(
      'exec',
      'node1',
      '--',
      'sh',
      '-c',
      'hostname; echo no >&2; exit 7',
    )
    expect({ stdout, stderr, exitCode }).to.deep.equal({ stdout: 'node1', stderr: 'no', exitCode: 7 })
  })

  it('names the nodes there are when asked for another', async () => {
    const { stderr, exitCode } = await command('cut', 'node9')
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain('node9').and.to.contain('node1, node2')
  })

  it('gives kubectl as administrator, with its exit status', async () => {
    expect((await command('kubectl', 'auth', 'can-i', '*', '*')).stdout).to.equal('yes')
    expect((await command('kubectl', 'get', 'node', 'nosuch')).exitCode).to.equal(1)
  })

  it('lets a pod reach the API server by the address of its Service', async () => {
    await runningPod('client', 'node1')
    const pod = { namespace, name: 'client' }
    await execInPod(lab, pod, ['nc', '-w', '5', API_SERVICE_ADDRESS, '443'])
    const other = await execInPod(lab, pod, ['sh', '-c', 'nc -w 2 10.96.255.250 443; echo $?'])
    expect(other.trim(), 'an address without a Service').to.equal('1')
  })

  it('lets processes of the namespace, and pods of other nodes, reach a pod', async () => {
    const server = await runningPod('server', 'node2')
    const address = server.status.podIP ?? ''
    const dial = (port: number) =>
      execa(
        'ip',
        ['netns', 'exec', lab.directory.namespace, 'bash', '-c', `: </dev/tcp/${address}/${port}`],
        {
          reject: false,
        },
      )
    const listening = lab.kubectl(['exec', '-n', namespace, 'server', '--', 'nc', '-l', '-p', '8080'])
    await waitFor(
      { what: 'the pod to be reached', timeoutMs: 60_000 },
      async () => (await dial(8080)).exitCode === 0,
    )
    await listening
    expect((await dial(8081)).exitCode, 'a port where nobody listens').not.to.equal(0)
    const reply = await execInPod(lab, { namespace, name: 'client' }, ['ping', '-c', '1', '-W', '5', address])
    expect(reply).to.contain('1 packets received')
  })

  it('writes every request to the audit log', async () => {
    const mine = await auditEvents(lab, ({ verb, objectRef }) => {
      return (
        verb === 'create' &&
        objectRef?.resource === 'pods' &&
        objectRef.name === 'client' &&
        objectRef.subresource === undefined
      )
    })
    expect(mine.map(({ responseStatus }) => responseStatus?.code)).to.deep.equal([201])
  })

  it('puts an image on every node', async () => {
    const archive = await writeTestImage(lab.directory.root, 'docker.io/test/loaded:1')
    await loadImage(lab, archive)
    for (const node of ['node1', 'node2']) {
      const name = `loaded-${node}`
      await createPod(lab, { namespace, name, node, image: 'docker.io/test/loaded:1' })
      await waitForPod(lab, namespace, name)
      await deletePod(lab, namespace, name)
    }
  })

  it('takes a disk out of a running node and puts it back', async () => {
    const link = diskById('node1', 'b')
    const isThere = async () => (await command('exec', 'node1', '--', 'test', '-b', link)).exitCode === 0
    expect(await isThere()).to.equal(true)
    expect((await command('pull', 'node1', 'b')).exitCode).to.equal(0)
    await waitFor({ what: `${link} to go`, timeoutMs: 60_000 }, async () => !(await isThere()))
    expect((await command('plug', 'node1', 'b')).exitCode).to.equal(0)
    await waitFor({ what: `${link} to come back`, timeoutMs: 60_000 }, isThere)
    expect((await command('pull', 'node1', 'z')).stderr).to.contain('no disk "z"')
  })

  it('cuts the power of a node, and gets its pods back after start', async () => {
    const marker = '/var/lib/kubelet/marker'
    await (await lab.vm('node1')).run(['sh', '-c', `echo kept >${marker} && sync`])
    const restarts = async () =>
      JSON.stringify(await lab.api.get(`/api/v1/namespaces/${namespace}/pods/client`))
    expect(await restarts()).to.contain('"restartCount":0')

    expect((await command('cut', 'node1')).exitCode).to.equal(0)
    expect((await command('exec', 'node1', '--', 'true')).stderr).to.contain('scripts/lab start node1')
    expect((await command('start', 'node1')).exitCode).to.equal(0)

    expect(await (await lab.vm('node1')).run(['cat', marker])).to.equal('kept\n')
    await waitFor({ what: 'the container to be started again', timeoutMs: 240_000 }, async () => {
      return (await restarts()).includes('"restartCount":1')
    })
    await waitForPod(lab, namespace, 'client')
    const pod = { namespace, name: 'client' }
    await execInPod(lab, pod, ['nc', '-w', '5', API_SERVICE_ADDRESS, '443'])
  })

  it('starts kubelet again when it is killed', async () => {
    const node = await lab.vm('node2')
    const pid = async () => (await node.exec(['pgrep', '-x', 'kubelet'])).stdout.trim()
    const before = await pid()
    await node.run(['kill', '-9', before])
    await waitFor({ what: 'another kubelet', timeoutMs: 60_000 }, async () => {
      return !['', before].includes(await pid())
    })
  })

  it('deletes a namespace with all its pods', () => deleteNamespace(lab, namespace))
})
