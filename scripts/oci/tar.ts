import { readdir, rename } from 'node:fs/promises'
import { execa } from 'execa'

/**
 * Flags that make a tar depend on nothing but names, contents and the executable bit: no times, owners, umask or
 * order of the file system (reproducible-builds.org, "Archive metadata"). Set-user-ID bits go too.
 */
const REPRODUCIBLE = [
  '--format=posix',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--sort=name',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mode=u=rwX,go=rX',
]

export interface TarRequest {
  readonly directory: string
  /** Only these, given relative to `directory`, with the directories on the way to them. All of it when absent. */
  readonly files?: readonly string[]
  readonly output: string
  /** The one modification time that every entry gets. */
  readonly modifiedAtSeconds: number
  /** Put the files in that symbolic links point to, instead of the links. */
  readonly dereference?: boolean
}

const withParents = (files: readonly string[]): string[] => {
  const names = new Set<string>()
  for (const file of files) {
    const parts = file.split('/')
    for (let length = 1; length <= parts.length; length += 1) names.add(parts.slice(0, length).join('/'))
  }
  return [...names]
}

/** Packs a directory by the system's GNU tar. Same content, same bytes. `output` appears only when it is whole. */
export const packTar = async (request: TarRequest): Promise<void> => {
  const { directory, files, output, modifiedAtSeconds, dereference = false } = request
  const names = files === undefined ? await readdir(directory) : withParents(files)
  const unfinished = `${output}.${process.pid}.unfinished`
  const flags = [
    ...REPRODUCIBLE,
    `--mtime=@${modifiedAtSeconds}`,
    ...(dereference ? ['--dereference'] : []),
    ...(files === undefined ? [] : ['--no-recursion']),
  ]
  const argv = ['--create', `--file=${unfinished}`, `--directory=${directory}`, ...flags]
  await execa('tar', [...argv, '--verbatim-files-from', '--null', '--files-from=-'], {
    input: names.sort().join('\0'),
  })
  await rename(unfinished, output)
}
