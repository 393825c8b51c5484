import { mkdir } from 'node:fs/promises'
import { formatVolumeHandle } from '../../../core/naming.ts'
import { makeFileSystemCommand } from '../../../lvm/file-system.ts'
import { TestVolume } from '../../node/csi-node/csi-fixture.ts'
import { quoteAll } from '../../lab/vm/shell.ts'
import { bash, prologue } from '../lvm/bare.ts'
import { fillGroup } from '../lvm/group.ts'
import type { Plugin } from './plugin.ts'

export const POD = 'pod'

/** Active volumes of one extent, none of them mounted. Made by one command, activated by another. */
export const activeVolumes = async (
  disk: string,
  plugin: Plugin,
  count: number,
): Promise<readonly TestVolume[]> => {
  await fillGroup(count)
  const { volumes } = await plugin.volumes.inventory()
  if (volumes.length !== count) throw new Error(`the plugin sees ${volumes.length} volumes of ${count}`)
  await bash(
    `${prologue(disk)}\nmust lvm vgchange --config "$view" -ay -- ${plugin.group.name}\nmust udevadm settle`,
  )
  return volumes.map(({ handle }) => new TestVolume(plugin.service, handle, 'ext4'))
}

/**
 * Formats volumes, and mounts each as stage and publish do, at both paths, by one script: the plugin would take a minute
 * for thirty of them here.
 */
export const mountAll = async (plugin: Plugin, volumes: readonly TestVolume[]): Promise<void> => {
  const found = await plugin.volumes.inventory()
  const names = new Map(found.volumes.map(({ handle, name }) => [formatVolumeHandle(handle), name]))
  const lines: string[] = []
  for (const volume of volumes) {
    const device = `/dev/${plugin.group.name}/${names.get(volume.id) ?? ''}`
    const target = volume.target(POD)
    const { file, args } = makeFileSystemCommand('ext4', device)
    await mkdir(volume.staging, { recursive: true })
    await mkdir(target, { recursive: true })
    lines.push(
      `must ${quoteAll([file, ...args])}`,
      `must mount -o nosuid,nodev ${quoteAll([device, volume.staging])}`,
      `must mount --bind ${quoteAll([volume.staging, target])}`,
    )
  }
  await bash(`must() { "$@" >/dev/null || exit 1; }\n${lines.join('\n')}`)
}
