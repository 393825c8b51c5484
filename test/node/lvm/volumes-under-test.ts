import { mkdir } from 'node:fs/promises'

import type { CommandRunner } from '../../../lvm/command-runner.ts'
import type { LogicalVolume, NodeVolumes, VolumeGroup, WantedContent } from '../../../lvm/types.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  emptyGroup,
  groupOn,
  lvmSubcommand,
  recordingRunner,
  requestFor,
  run,
  startNode,
  wipe,
  type Node,
} from './fixture.ts'

export const MOUNT_POINT = '/run/loam-test/mnt'
export const EXT4: WantedContent = { kind: 'fileSystem', type: 'ext4', mkfsOptions: [] }
export const BLOCK: WantedContent = { kind: 'block' }

export const mount = async (devicePath: string): Promise<void> => {
  await mkdir(MOUNT_POINT, { recursive: true })
  await run('mount', devicePath, MOUNT_POINT)
}
export const unmount = (): Promise<string> => run('umount', MOUNT_POINT)

/** The volumes of a node with one group on two disks, empty before each test, and what was run for them. */
export class VolumesUnderTest {
  readonly runner = recordingRunner()
  #node: Node | undefined
  #group: VolumeGroup | undefined

  get volumes(): NodeVolumes {
    if (this.#node === undefined) throw new Error('the node has not been started')
    return this.#node.volumes
  }

  get group(): VolumeGroup {
    if (this.#group === undefined) throw new Error('there is no group yet')
    return this.#group
  }

  /** Starts the node, anew when it runs. */
  async start(runner: CommandRunner = this.runner): Promise<void> {
    await this.#node?.close()
    this.#node = await startNode(runner)
    this.#group = await groupOn(this.#node.volumes, disk(0), disk(1))
  }

  async stop(): Promise<void> {
    await this.#node?.close()
    this.#node = undefined
  }

  make(sizeBytes: bigint, other: Parameters<typeof requestFor>[2] = {}): Promise<LogicalVolume> {
    return this.volumes.createVolume(requestFor(this.group, sizeBytes, other))
  }

  remove(volume: LogicalVolume, other: { readonly claimUid?: string } = {}): Promise<void> {
    return this.volumes.removeVolume(volume.handle, {
      name: volume.name,
      claimUid: volume.record?.claimUid ?? '',
      erase: volume.record?.erase ?? 'zero',
      ...other,
    })
  }

  async stateOf(volume: LogicalVolume): Promise<string | undefined> {
    return (await this.volumes.findVolume(volume.handle))?.record?.state
  }

  /** LVM commands since they were forgotten. */
  ran(): string[] {
    return this.runner.commands.map(lvmSubcommand).filter((name) => name !== undefined)
  }

  /** How often a program was run since. */
  ranFile(file: string): number {
    return this.runner.commands.filter((command) => command.file === file).length
  }

  forgetCommands(): void {
    this.runner.commands.length = 0
  }
}

/** Has the tests of a suite share a node. */
export const useVolumes = (): VolumesUnderTest => {
  const tested = new VolumesUnderTest()
  before(async () => {
    await attachDisks()
    await wipe(disk(0), disk(1))
    await tested.start()
  })
  afterEach(async () => {
    await emptyGroup()
    tested.forgetCommands()
  })
  after(async () => {
    await tested.stop()
    await wipe(disk(0), disk(1))
    await detachDisks()
  })
  return tested
}
