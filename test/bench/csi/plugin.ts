import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { credentials } from '@grpc/grpc-js'
import { silentLogger } from '../../../core/logger.ts'
import { createCsiNode } from '../../../csi-node/csi-node.ts'
import { IdentityClient, NodeClient } from '../../../csi-node/gen/csi.ts'
import type { NodeVolumes, VolumeGroup } from '../../../lvm/types.ts'
import { KUBELET_DIRECTORY, TestVolume, type Content } from '../../node/csi-node/csi-fixture.ts'
import { ask } from '../../unit/csi-node/csi-harness.ts'
import { groupOn, requestFor, startNode } from '../../node/lvm/fixture.ts'
import { timedRunner, type TimedCommand } from './timed-runner.ts'

/** The CSI service of a node as the agent runs it, over its socket, on real LVM; and what it ran. */
export interface Plugin {
  readonly volumes: NodeVolumes
  readonly group: VolumeGroup
  readonly commands: readonly TimedCommand[]
  readonly service: NodeClient
  /** A call that does nothing: what every call costs. */
  probe(): Promise<unknown>
  /** A volume that was never used. */
  make(content: Content, sizeBytes: bigint): Promise<TestVolume>
  close(): Promise<void>
}

export const startPlugin = async (disk: string): Promise<Plugin> => {
  const runner = timedRunner()
  const node = await startNode(runner)
  const { volumes } = node
  const group = await groupOn(volumes, disk)
  await mkdir(join(KUBELET_DIRECTORY, 'plugins_registry'), { recursive: true })
  const csi = createCsiNode({
    ...{ nodeName: 'bench', kubeletDirectory: KUBELET_DIRECTORY, version: '0' },
    ...{ volumes, runner, log: silentLogger },
  })
  await csi.start()
  const socket = join(KUBELET_DIRECTORY, 'plugins/loam.storage/csi.sock')
  const service = new NodeClient(`unix:${socket}`, credentials.createInsecure())
  const identity = new IdentityClient(`unix:${socket}`, credentials.createInsecure())
  return {
    ...{ volumes, group, service, commands: runner.commands },
    probe: () => ask((done) => identity.probe({}, done)),
    make: async (content, sizeBytes) => {
      const { handle } = await volumes.createVolume(requestFor(group, sizeBytes, { content }))
      return new TestVolume(service, handle, content)
    },
    close: async () => {
      service.close()
      identity.close()
      await csi.stop(0)
      await node.close()
    },
  }
}
