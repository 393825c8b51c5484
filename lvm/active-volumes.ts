import { mappedDevices, readLine, SYS_BLOCK } from './sys-block.ts'

/** Counted up by the kernel at each event about any device; a device-mapper device makes several as it comes and goes. */
const EVENT_NUMBER = '/sys/kernel/uevent_seqnum'

const readUuids = async (): Promise<readonly string[]> => {
  const names = await mappedDevices()
  const uuids = await Promise.all(names.map((name) => readLine(SYS_BLOCK, name, 'dm', 'uuid')))
  return uuids.filter((uuid) => uuid !== undefined)
}

/** Which logical volumes are active, by the kernel's word. It is asked for all again only after some device changed. */
export class ActiveVolumes {
  #known: { readonly eventNumber: string; readonly uuids: readonly string[] } | undefined

  /** UUIDs in device-mapper of the active devices of a group. @throws Error when /sys fails. */
  async of(groupUuid: string): Promise<ReadonlySet<string>> {
    const prefix = `LVM-${groupUuid.replaceAll('-', '')}`
    return new Set((await this.#uuids()).filter((uuid) => uuid.startsWith(prefix)))
  }

  /** One text for the active devices of a group, equal while the same ones are active; undefined when /sys fails. */
  async markOf(groupUuid: string): Promise<string | undefined> {
    try {
      return [...(await this.of(groupUuid))].sort().join(' ')
    } catch {
      return undefined
    }
  }

  async #uuids(): Promise<readonly string[]> {
    // before the devices: one that comes while they are read counts it up again
    const eventNumber = await readLine(EVENT_NUMBER)
    if (eventNumber !== undefined && this.#known?.eventNumber === eventNumber) return this.#known.uuids
    const uuids = await readUuids()
    this.#known = eventNumber === undefined ? undefined : { eventNumber, uuids }
    return uuids
  }
}
