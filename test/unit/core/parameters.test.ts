import { expect } from 'chai'
import type { Layout } from '../../../core/layout.ts'
import { parseParameters } from '../../../core/parameters.ts'

const disks = JSON.stringify([{ nodes: ['node1'], disks: ['/dev/disk/by-id/wwn-0x5000'] }])
const faultsOf = (parameters: Record<string, string>, className = 'fast'): string[] => {
  const result = parseParameters(className, parameters)
  return 'error' in result ? result.error.faults.map((fault) => fault.message) : []
}

describe('core/parameters', () => {
  it('fills in what design and docs promise as defaults', () => {
    expect(parseParameters('fast', { disks })).to.deep.equal({
      parameters: {
        disks: [{ nodes: { names: ['node1'] }, paths: ['/dev/disk/by-id/wwn-0x5000'] }],
        volumeGroup: 'loam-fast',
        layout: { name: 'linear' },
        fileSystem: 'ext4',
        mkfsOptions: [],
        erase: 'zero',
        scoring: 'spread',
      },
    })
  })

  it('takes a class without disks that names a group', () => {
    expect(faultsOf({ volumeGroup: 'loam-fast', 'csi.storage.k8s.io/fstype': 'xfs' })).to.deep.equal([])
  })

  const KIB = 1024n
  const layouts: [Record<string, string>, Layout][] = [
    [{ layout: 'linear' }, { name: 'linear' }],
    [{ layout: 'striped' }, { name: 'striped', stripes: 2, stripeSizeBytes: 64n * KIB }],
    [
      { layout: 'striped', stripes: '4', stripeSize: '256Ki' },
      { name: 'striped', stripes: 4, stripeSizeBytes: 256n * KIB },
    ],
    [{ layout: 'raid1' }, { name: 'raid1', mirrors: 1 }],
    [
      { layout: 'raid1', mirrors: '2' },
      { name: 'raid1', mirrors: 2 },
    ],
    [{ layout: 'raid5' }, { name: 'raid5', stripes: 2, stripeSizeBytes: 64n * KIB }],
    [{ layout: 'raid6' }, { name: 'raid6', stripes: 3, stripeSizeBytes: 64n * KIB }],
    [
      { layout: 'raid10', mirrors: '1' },
      { name: 'raid10', stripes: 2, stripeSizeBytes: 64n * KIB },
    ],
    [{ layout: 'thin' }, { name: 'thin', pool: 'thinpool', overprovisionPermille: 1000n }],
    [
      { layout: 'thin', thinPool: 'cheap', overprovisionRatio: '2.25' },
      { name: 'thin', pool: 'cheap', overprovisionPermille: 2250n },
    ],
    [
      { layout: 'thin', overprovisionRatio: '100' },
      { name: 'thin', pool: 'thinpool', overprovisionPermille: 100_000n },
    ],
  ]
  for (const [given, layout] of layouts)
    it(`reads ${JSON.stringify(given)}`, () => {
      const read = parseParameters('fast', { disks, ...given })
      expect('parameters' in read ? read.parameters.layout : read.error.faults).to.deep.equal(layout)
    })

  const refused: [string, Record<string, string>, RegExp][] = [
    [
      'an unknown parameter',
      { disks, fsType: 'xfs' },
      /parameter "fsType" is unknown: known are disks, volumeGroup/,
    ],
    [
      'an unknown layout',
      { disks, layout: 'raid7' },
      /parameter "layout" is "raid7": allowed are linear, striped/,
    ],
    [
      'a file system',
      { disks, 'csi.storage.k8s.io/fstype': 'ntfs' },
      /"csi.storage.k8s.io\/fstype" is "ntfs": allowed are ext4, xfs, btrfs/,
    ],
    ['an erase method', { disks, erase: 'shred' }, /"erase" is "shred": allowed are zero, discard, none/],
    [
      'stripes out of place',
      { disks, stripes: '2' },
      /"stripes" goes with layout striped.*but the layout is "linear"/,
    ],
    [
      'stripes that are no number',
      { disks, layout: 'striped', stripes: 'two' },
      /"stripes" is "two": allowed are whole numbers/,
    ],
    [
      'fewer stripes than a layout has',
      { disks, layout: 'raid6', stripes: '2' },
      /"stripes" is "2": raid6 needs at least 3/,
    ],
    [
      'mirrors that LVM does not make',
      { disks, layout: 'raid10', mirrors: '2' },
      /"mirrors" is "2": LVM makes raid10 with 1 mirror only/,
    ],
    [
      'a stripe size',
      { disks, layout: 'striped', stripeSize: '5000' },
      /"stripeSize" is "5000": allowed are powers of two/,
    ],
    [
      'an overprovision ratio',
      { disks, layout: 'thin', overprovisionRatio: '0.5' },
      /"overprovisionRatio" is "0.5": allowed are numbers from 1.0/,
    ],
    [
      'a ratio with more decimals than count',
      { disks, layout: 'thin', overprovisionRatio: '1.0001' },
      /"overprovisionRatio" is "1.0001": .* up to three decimals/,
    ],
    [
      'a pool with the name of a volume',
      { disks, layout: 'thin', thinPool: 'pvc-1' },
      /"thinPool" is "pvc-1": allowed are .*; not "pvc-…"/,
    ],
    ['a pool for another layout', { disks, thinPool: 'a' }, /"thinPool" goes with layout thin, but/],
    [
      'mkfs options with a path',
      { disks, mkfsOptions: '-J device=/dev/sda' },
      /"mkfsOptions" is .*"device=\/dev\/sda" is not allowed/,
    ],
    [
      'a group name that is an option',
      { disks, volumeGroup: '--force' },
      /"volumeGroup" is "--force": .* is no volume group name/,
    ],
    ['a group name with a shell in it', { disks, volumeGroup: 'a;b' }, /is no volume group name/],
    ['neither disks nor a group', {}, /parameter "disks" is missing/],
    ['disks that are not JSON', { disks: '/dev/sda' }, /"disks" is "\/dev\/sda": it is not JSON/],
    ['an empty list of disks', { disks: '[]' }, /the list is empty/],
    [
      'an entry without nodes',
      { disks: '[{"disks":["/dev/sda"]}]' },
      /exactly one of nodes and nodeSelector/,
    ],
    [
      'an entry with an unknown key',
      { disks: '[{"nodes":["a"],"disks":["/dev/sda"],"wipe":true}]' },
      /0\.wipe/,
    ],
    [
      'a path outside /dev',
      { disks: '[{"nodes":["a"],"disks":["/etc/passwd"]}]' },
      /"\/etc\/passwd" is not a device path/,
    ],
    [
      'a path that climbs',
      { disks: '[{"nodes":["a"],"disks":["/dev/../etc/passwd"]}]' },
      /is not a device path/,
    ],
  ]
  for (const [what, parameters, message] of refused) {
    it(`refuses ${what}`, () => expect(faultsOf(parameters).join('\n')).to.match(message))
  }

  it('names all faults at once', () => {
    expect(faultsOf({ disks: 'x', layout: 'y', erase: 'z', bogus: '1' })).to.have.length(4)
  })

  it('refuses a default group name that LVM could not take, and says to name one', () => {
    expect(faultsOf({ disks }, 'c'.repeat(100)).join()).to.match(
      /"volumeGroup" is missing, and its default cannot be used: .* is too long/,
    )
  })

  it('does not take names of Object.prototype for parameters', () => {
    expect(faultsOf({ disks, constructor: 'x' }).join()).to.match(/parameter "constructor" is unknown/)
  })
})
