import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { ImageSource } from '../images/source.ts'
import { LabError } from '../vm/errors.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** The agent's image as scripts/image writes it. */
export interface AgentImage {
  /** All layers. */
  readonly archive: string
  /** The same image without the layers below the agent's own: small, and enough where those are there already. */
  readonly delta: string
}

export const buildAgentImage = async (): Promise<AgentImage> => {
  const { exitCode, stderr } = await execa(join(REPOSITORY, 'scripts/image'), { reject: false })
  if (exitCode !== 0) throw new LabError('agent image', `scripts/image failed: ${stderr}`)
  const folder = join(REPOSITORY, 'dist/image')
  return { archive: join(folder, 'agent.tar'), delta: join(folder, 'agent-delta.tar') }
}

interface Descriptor {
  readonly digest: string
}

const readFromArchive = async <Content>(archive: string, member: string): Promise<Content> => {
  const { stdout } = await execa('tar', ['--extract', '--to-stdout', `--file=${archive}`, member])
  return JSON.parse(stdout) as Content
}

const layerDigests = async (archive: string): Promise<string[]> => {
  const index = await readFromArchive<{ manifests: Descriptor[] }>(archive, 'index.json')
  const blob = `blobs/${(index.manifests[0]?.digest ?? '').replace(':', '/')}`
  const { layers } = await readFromArchive<{ layers: Descriptor[] }>(archive, blob)
  return layers.map(({ digest }) => digest)
}

/** Names the layers below the agent's own: where they are, the delta is enough. */
export const baseKeyOf = async ({ delta }: AgentImage): Promise<string> =>
  (await layerDigests(delta)).slice(0, -1).join(' ')

/**
 * The image for the base disk. Its key leaves the top layer out, so that a change of the agent's code makes no new
 * disk: that layer reaches the nodes by the delta.
 */
export const baseImageOf = (image: AgentImage): ImageSource => ({
  key: () => baseKeyOf(image),
  write: () => Promise.resolve(image.archive),
})
