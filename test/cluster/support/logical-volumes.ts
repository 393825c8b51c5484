import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

export interface LogicalVolumeRow {
  readonly lv_name: string
  readonly vg_name: string
  readonly lv_uuid: string
  readonly vg_uuid: string
  readonly lv_tags: string
  readonly lv_size: string
}

/** What the node's own LVM says, with the node's own configuration: not Loam's word for it. */
export const logicalVolumesOn = async (lab: Lab, node: string): Promise<readonly LogicalVolumeRow[]> => {
  const vm = await lab.vm(node)
  const fields = 'lv_name,vg_name,lv_uuid,vg_uuid,lv_tags,lv_size'
  const text = await vm.run(['lvs', '--reportformat', 'json', '--units', 'b', '--nosuffix', '-o', fields])
  const { report } = JSON.parse(text) as { report: readonly [{ lv: readonly LogicalVolumeRow[] }] }
  return report[0].lv
}

/** Nodes that have a logical volume of that name. */
export const nodesWithVolume = async (lab: Lab, name: string): Promise<readonly string[]> => {
  const found: string[] = []
  for (const { name: node } of lab.state.nodes) {
    if ((await logicalVolumesOn(lab, node)).some(({ lv_name }) => lv_name === name)) found.push(node)
  }
  return found
}

export const waitForNoVolume = (lab: Lab, node: string, name: string): Promise<true> =>
  waitFor({ what: `logical volume ${name} on ${node} to be gone`, timeoutMs: 240_000 }, async () => {
    return !(await logicalVolumesOn(lab, node)).some(({ lv_name }) => lv_name === name)
  })
