import { expect } from 'chai'

import { VOLUME_STATES, type VolumeState } from '../../../core/volume-tags.ts'
import { Refused } from '../../../lvm/errors.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'
import {
  CONTENT_DECISIONS,
  decideStep,
  findContent,
  NeverFormatted,
  type FoundContent,
} from '../../../lvm/volume-content.ts'
import { createCommandRunner } from '../../../lvm/command-runner.ts'
import { silentLogger } from '../../../core/logger.ts'
import { withFile } from './files.ts'

const FOUND: readonly FoundContent[] = ['blank', 'recordedFileSystem', 'otherSignature', 'unknownData']
const runner = createCommandRunner({ log: silentLogger })

const volumeIn = (state: VolumeState, sizeBytes = 4n << 20n): LogicalVolume => ({
  handle: { groupUuid: 'g', volumeUuid: 'v' },
  groupName: 'loam-fast',
  name: 'pvc-1',
  sizeBytes,
  tags: [],
  record: {
    state,
    clusterId: 'c',
    claimUid: 'u',
    claimNamespace: 'n',
    claimName: 'd',
    storageClassName: 's',
    erase: 'zero',
    content: 'ext4',
  },
  active: true,
  open: false,
  segmentType: 'linear',
  health: '',
  syncPercent: undefined,
})

describe('volume content', () => {
  it('formats in exactly three situations', () => {
    const formatted = (['fileSystem', 'block'] as const).flatMap((kind) =>
      VOLUME_STATES.flatMap((state) =>
        FOUND.filter((found) => CONTENT_DECISIONS[kind][state][found].step === 'format').map(
          (found) => `${kind} ${state} ${found}`,
        ),
      ),
    )
    expect(formatted).to.deep.equal([
      'fileSystem new blank',
      'fileSystem formatting blank',
      'fileSystem formatting unknownData',
    ])
  })

  it('gives a reason for every refusal', () => {
    for (const states of Object.values(CONTENT_DECISIONS))
      for (const found of Object.values(states))
        for (const { step, why } of Object.values(found))
          expect(why !== undefined, step).to.equal(step === 'refuse')
  })

  it('hands out nothing that is being erased', () => {
    for (const kind of ['fileSystem', 'block'] as const)
      for (const found of FOUND)
        expect(() => decideStep(volumeIn('erasing'), 'erasing', kind, found)).to.throw(
          Refused,
          /being erased/,
        )
  })

  it('never formats a volume that was in use', () => {
    for (const found of ['blank', 'otherSignature', 'unknownData'] as const)
      expect(() => decideStep(volumeIn('used'), 'used', 'fileSystem', found)).to.throw(Refused, /in use/)
    expect(decideStep(volumeIn('used'), 'used', 'fileSystem', 'recordedFileSystem')).to.equal('keep')
  })

  it('tells blank from data at either end, and from a signature', async () => {
    const sizeBytes = 4n << 20n
    await withFile(sizeBytes, async (path, write) => {
      const look = () => findContent(runner, { path, sizeBytes }, 'ext4')
      expect(await look()).to.equal('blank')
      await write(Number(sizeBytes) - 1, Buffer.from([1]))
      expect(await look()).to.equal('unknownData')
      await write(0, Buffer.from('bluestore block device\n'))
      expect(await look()).to.equal('otherSignature')
      await runner.run({
        file: 'mkfs.ext4',
        args: ['-q', path],
        effect: 'change',
        step: 'make-file-system',
        deadlineMs: 60_000,
      })
      expect(await look()).to.equal('recordedFileSystem')
      expect(await findContent(runner, { path, sizeBytes }, 'xfs')).to.equal('otherSignature')
    })
  })

  it('fails when the device ends early, instead of finding it blank', async () => {
    await withFile(1n << 20n, async (path) => {
      let thrown: unknown
      try {
        await findContent(runner, { path, sizeBytes: 4n << 20n }, 'ext4')
      } catch (error) {
        thrown = error
      }
      expect(thrown).to.be.instanceOf(Error)
    })
  })

  const proves = async (volume: LogicalVolume, path: string): Promise<unknown> => {
    try {
      return await NeverFormatted.prove(runner, volume, path)
    } catch (error) {
      return error
    }
  }

  it('needs the tag and the bytes for the proof that mkfs takes', async () => {
    await withFile(4n << 20n, async (path, write) => {
      expect(await proves(volumeIn('formatting'), path)).to.be.instanceOf(NeverFormatted)
      for (const state of ['new', 'used', 'erasing'] as const)
        expect(await proves(volumeIn(state), path), state).to.be.instanceOf(Refused)
      expect(await proves({ ...volumeIn('formatting'), record: undefined }, path)).to.be.instanceOf(Refused)
      await write(0, Buffer.from('bluestore block device\n'))
      expect(await proves(volumeIn('formatting'), path)).to.be.instanceOf(Refused)
    })
  })
})
