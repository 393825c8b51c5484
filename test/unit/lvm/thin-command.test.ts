import { expect } from 'chai'

import { Refused } from '../../../lvm/errors.ts'
import type { LvmCommand } from '../../../lvm/lvm-command.ts'
import {
  createPoolCommand,
  createThinVolumeCommand,
  growPoolCommand,
  growPoolMetadataCommand,
} from '../../../lvm/thin-command.ts'

const pool = { groupName: 'loam-fast', name: 'thinpool' }
const lineOf = ({ name, options, operands }: LvmCommand): string =>
  [name, ...options, '--', ...operands].join(' ')

describe('lvm commands for thin pools', () => {
  it('make a pool that zeroes, with a spare, inactive, with all its tags, in the extents that are named', () => {
    const command = createPoolCommand({
      ...{ ...pool, dataExtents: 3n, metadataBytes: 4194304n, chunkBytes: 65536n, tags: ['t'] },
      place: { path: '/dev/sda', run: { first: 5n, count: 5n } },
    })
    expect(lineOf(command)).to.equal(
      'lvcreate --type thin-pool --activate n --zero y --discards passdown --chunksize 65536b' +
        ' --poolmetadatasize 4194304b --poolmetadataspare y --extents 3 --name thinpool --addtag t' +
        ' -- loam-fast /dev/sda:5-9',
    )
  })

  it('enlarge a pool to a size, so that a repeated command changes nothing', () => {
    expect(lineOf(growPoolCommand(pool, 9n))).to.equal('lvextend --extents 9 -- loam-fast/thinpool')
    expect(lineOf(growPoolMetadataCommand(pool, 8388608n))).to.equal(
      'lvextend --poolmetadatasize 8388608b -- loam-fast/thinpool',
    )
  })

  it('make a volume inactive, not skipped when it is activated, with all its tags', () => {
    const volume = {
      groupName: 'loam-fast',
      name: 'pvc-1',
      poolName: 'thinpool',
      sizeBytes: 4194304n,
      tags: ['t'],
    }
    expect(lineOf(createThinVolumeCommand(volume))).to.equal(
      'lvcreate --type thin --activate n --setactivationskip n --virtualsize 4194304b --thinpool thinpool' +
        ' --name pvc-1 --addtag t -- loam-fast',
    )
  })

  it('take no name that could be an option or a path', () => {
    expect(() => growPoolCommand({ ...pool, name: '--force' }, 1n)).to.throw(Refused)
    expect(() => growPoolCommand({ ...pool, groupName: '../x' }, 1n)).to.throw(Refused)
  })
})
