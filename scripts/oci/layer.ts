import { stat } from 'node:fs/promises'
import { digestOfFile, type Digest } from './digest.ts'
import { packTar, type TarRequest } from './tar.ts'

/** One layer of an image: a tar that is not compressed, so its digest depends on no compressor's version. */
export interface Layer {
  /** For people: "debian", "node", "app". */
  readonly name: string
  readonly path: string
  readonly digest: Digest
  readonly sizeBytes: number
}

/** A layer from a tar that is already there. */
export const layerFromTar = async (name: string, path: string): Promise<Layer> => ({
  name,
  path,
  digest: await digestOfFile(path),
  sizeBytes: (await stat(path)).size,
})

/** Packs a directory's content into a layer. Same content, same digest. */
export const packLayer = async (name: string, request: TarRequest): Promise<Layer> => {
  await packTar(request)
  return await layerFromTar(name, request.output)
}
