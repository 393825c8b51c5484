import { stat } from 'node:fs/promises'

import { CommandFailed, Refused } from './errors.ts'
import type { LvmLocation } from './lvm-config.ts'
import { configuredFilterCommand, versionCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'

/** `--setautoactivation` came with this one (lvm2's WHATS_NEW). */
const OLDEST = [2, 3, 12] as const
const VERSION = /LVM version:\s+(\d+)\.(\d+)\.(\d+)/

/** Where every LVM of a machine keeps its locks; two that do not share them destroy each other's metadata. */
export const LOCK_DIRECTORY = '/run/lock/lvm'

/** `2.03.16` as numbers. @throws CommandFailed when there is no version in the text. */
export const parseVersion = (text: string): readonly [number, number, number] => {
  const match = VERSION.exec(text)
  if (match === null)
    throw new CommandFailed('lvm version', `no version in its answer: ${JSON.stringify(text.slice(0, 200))}`)
  return [Number(match[1]), Number(match[2]), Number(match[3])]
}

export const isNewEnough = (version: readonly [number, number, number]): boolean => {
  const place = OLDEST.findIndex((oldest, index) => version[index] !== oldest)
  return place < 0 || (version[place] ?? 0) > (OLDEST[place] ?? 0)
}

/** With another lvm.conf every command would look at every disk of the machine. */
const confirmConfiguration = async (lvm: Lvm, systemDirectory: string): Promise<void> => {
  const filter = await lvm.read(configuredFilterCommand, [])
  // LVM writes a list of one without its brackets
  if (filter.replaceAll(/[\s[\]]/g, '') === 'global_filter="r|.*|"') return
  throw new Refused(
    `LVM_SYSTEM_DIR ${systemDirectory}`,
    `LVM does not read our lvm.conf there: ${filter.trim()}`,
    {
      advice: 'the directory must have the same path on the host and in the container (hostPath)',
    },
  )
}

const identity = async (path: string): Promise<string> => {
  const found = await stat(path)
  return `${found.dev}:${found.ino}`
}

/** The host's view of a path is that of process 1, where the pod shares the host's processes. */
const confirmLockDirectory = async (): Promise<void> => {
  const [ours, hosts] = await Promise.all([
    identity(LOCK_DIRECTORY),
    identity(`/proc/1/root${LOCK_DIRECTORY}`),
  ])
  if (ours === hosts) return
  throw new Refused(`lock directory ${LOCK_DIRECTORY}`, "is not the host's", {
    advice: 'mount it as a hostPath: LVM commands of the host and ours must lock each other out',
  })
}

/**
 * Makes sure, before the first change, that the LVM that answers is new enough, reads our configuration, and locks
 * where the host's does.
 *
 * @throws Refused, CommandFailed.
 */
export const probeLvm = async (
  lvm: Lvm,
  setting: { readonly systemDirectory: string; readonly location: LvmLocation },
): Promise<string> => {
  const version = parseVersion(await lvm.read(versionCommand, []))
  if (!isNewEnough(version))
    throw new Refused('LVM', `version ${version.join('.')} is too old`, {
      advice: `${OLDEST.join('.')} or newer`,
    })
  await confirmConfiguration(lvm, setting.systemDirectory)
  if (setting.location === 'image') await confirmLockDirectory()
  return version.join('.')
}
