import { expect } from 'chai'
import fc from 'fast-check'

import { CommandFailed } from '../../../lvm/errors.ts'
import { parseGroupNames, parseReport, reportCommand } from '../../../lvm/report.ts'

/** What LVM 2.03.16 wrote for a group with a pulled disk, a whole group, and a PhysicalVolume of no group. */
const REAL = `  {
      "report": [
          {
              "vg": [
                  {"vg_name":"loam-fast", "vg_uuid":"KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW", "vg_size":"226492416", "vg_free":"58720256", "vg_extent_size":"4194304", "vg_seqno":"3", "vg_tags":"loam.cluster=c1,loam.owner=loam.storage", "vg_missing_pv_count":"1"}
              ]
              ,
              "pv": [
                  {"pv_name":"/dev/disk/by-id/scsi-1", "pv_uuid":"0BCxh4-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae", "pv_size":"113246208", "pv_free":"58720256", "pv_missing":"", "pv_in_use":"used", "pv_allocatable":"allocatable", "pv_tags":"", "pe_start":"17825792", "vg_uuid":"KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW"},
                  {"pv_name":"[unknown]", "pv_uuid":"o3Z4V0-LdIb-KGmT-r0EO-hfzz-eBWh-ass6GU", "pv_size":"113246208", "pv_free":"0", "pv_missing":"missing", "pv_in_use":"used", "pv_allocatable":"", "pv_tags":"loam.closed", "pe_start":"17825792", "vg_uuid":"KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW"}
              ]
              ,
              "lv": [
                  {"lv_name":"pvc-1", "lv_uuid":"K48k1K-MYUN-ccBB-wpjA-Hd2s-68f6-06mQbn", "lv_size":"41943040", "lv_tags":"loam.state=used,loam.cluster=c1,loam.claim-uid=u1,loam.claim=ns/data,loam.class=fast,loam.erase=zero,loam.content=ext4", "lv_active":"active", "lv_device_open":"open", "lv_health_status":"", "sync_percent":""},
                  {"lv_name":"pvc-2", "lv_uuid":"hIeDxp-lKlS-dnrp-9zN4-xgwn-CGPD-fA1MQl", "lv_size":"125829120", "lv_tags":"", "lv_active":"", "lv_device_open":"unknown", "lv_health_status":"partial", "sync_percent":"12.50"}
              ]
              ,
              "pvseg": [
                  {"pv_uuid":"0BCxh4-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae", "pvseg_start":"0", "pvseg_size":"10", "segtype":"linear"},
                  {"pv_uuid":"0BCxh4-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae", "pvseg_start":"10", "pvseg_size":"14", "segtype":"free"}
              ]
              ,
              "seg": [
                  {"lv_uuid":"K48k1K-MYUN-ccBB-wpjA-Hd2s-68f6-06mQbn", "segtype":"linear"},
                  {"lv_uuid":"hIeDxp-lKlS-dnrp-9zN4-xgwn-CGPD-fA1MQl", "segtype":"linear"},
                  {"lv_uuid":"hIeDxp-lKlS-dnrp-9zN4-xgwn-CGPD-fA1MQl", "segtype":"striped"}
              ]
          }
          ,
          {
              "pv": [ {"pv_name":"/dev/sdd", "pv_uuid":"orphan-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae", "pv_size":"1", "pv_free":"1", "pv_missing":"", "pv_in_use":"", "pv_allocatable":"allocatable", "pv_tags":"", "pe_start":"17825792", "vg_uuid":""}, {"pv_name":"/dev/sde", "pv_uuid":"damagd-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae", "pv_size":"1", "pv_free":"1", "pv_missing":"", "pv_in_use":"used", "pv_allocatable":"allocatable", "pv_tags":"", "pe_start":"17825792", "vg_uuid":""} ]
          }
      ]
  }`

const without = (key: string): string => REAL.replaceAll(new RegExp(`, "${key}":"[^"]*"`, 'g'), '')

describe('report', () => {
  it('asks for everything in one command', () => {
    expect(reportCommand.name).to.equal('fullreport')
    expect(reportCommand.effect).to.equal('read')
  })

  it('reads groups, disks and volumes, and takes no damaged disk for an unused one', () => {
    const { groups, orphanPhysicalVolumes } = parseReport(REAL)
    expect(orphanPhysicalVolumes).to.deep.equal(['orphan-aLfP-7d4f-2dGT-mLXv-lpy9-7bEFae'])
    expect(groups).to.have.length(1)
    const [first] = groups
    const volumes = first?.volumes ?? []
    expect(first?.group).to.deep.include({
      name: 'loam-fast',
      sizeBytes: 226492416n,
      freeBytes: 58720256n,
      extentSizeBytes: 4194304n,
      seqno: 3,
      missingPhysicalVolumes: 1,
      tags: ['loam.cluster=c1', 'loam.owner=loam.storage'],
    })
    expect(
      first?.group.physicalVolumes.map((disk) => [
        disk.devicePath,
        disk.missing,
        disk.allocatable,
        disk.tags,
      ]),
    ).to.deep.equal([
      ['/dev/disk/by-id/scsi-1', false, true, []],
      ['[unknown]', true, false, ['loam.closed']],
    ])
    expect(first?.group.physicalVolumes.map(({ freeRuns }) => freeRuns)).to.deep.equal([
      [{ first: 10n, count: 14n }],
      [],
    ])
    expect(volumes[0]).to.deep.include({ name: 'pvc-1', active: true, open: true, segmentType: 'linear' })
    expect(volumes[0]?.record?.claimUid).to.equal('u1')
    expect(volumes[1]).to.deep.include({
      name: 'pvc-2',
      active: false,
      open: false,
      record: undefined,
      segmentType: 'linear+striped',
      health: 'partial',
      syncPercent: 12.5,
    })
  })

  const THIN = JSON.stringify({
    report: [
      {
        ...(JSON.parse(REAL) as { report: object[] }).report[0],
        lv: [
          ['pool', { pool_lv: '', lv_metadata_size: '8388608' }],
          ['pvc-1', { pool_lv: 'pool', lv_metadata_size: '' }],
        ].map(([name, more]) => ({
          ...{ lv_name: name, lv_uuid: name, lv_size: '4194304', lv_tags: '', lv_active: '' },
          ...{ lv_device_open: 'unknown', lv_health_status: '', sync_percent: '' },
          ...(more as object),
        })),
        seg: [
          { lv_uuid: 'pool', segtype: 'thin-pool', chunk_size: '65536', zero: 'zero' },
          { lv_uuid: 'pvc-1', segtype: 'thin', chunk_size: '0', zero: 'zero' },
        ],
      },
    ],
  })

  it('reads what a thin pool is made of, and whose pool a thin volume is of', () => {
    const [pool, volume] = parseReport(THIN).groups[0]?.volumes ?? []
    const shape = { metadataBytes: 8388608n, chunkBytes: 65536n, zeroes: true }
    expect(pool).to.deep.include({ segmentType: 'thin-pool', pool: shape })
    expect(volume).to.include({ segmentType: 'thin', poolName: 'pool' }).and.not.to.have.property('pool')
    const careless = parseReport(THIN.replace('"zero":"zero"', '"zero":""')).groups[0]?.volumes[0]
    expect(careless?.pool?.zeroes).to.equal(false)
  })

  it('does not count a thin volume in no pool, nor take a pool without its sizes', () => {
    expect(() => parseReport(THIN.replace('"pool_lv":"pool"', '"pool_lv":""'))).to.throw(/no pool of pvc-1/)
    expect(() => parseReport(THIN.replace('"lv_metadata_size":"8388608"', '"lv_metadata_size":""'))).to.throw(
      /sizes of thin pool pool are missing/,
    )
  })

  it('reads an empty report', () => {
    expect(parseReport('{"report":[]}')).to.deep.equal({ groups: [], orphanPhysicalVolumes: [] })
  })

  it('ignores what newer versions add', () => {
    expect(parseReport(REAL.replace('"report"', '"log":[{"x":1}],"report"')).groups).to.have.length(1)
  })

  const garbage: [string, string][] = [
    ['nothing', ''],
    ['text before the JSON', `  Retrying metadata scan.\n${REAL}`],
    ['half a report', REAL.slice(0, REAL.length / 2)],
    ['another document', '[]'],
    ['a size with a unit', REAL.replace('"226492416"', '"216.00m"')],
    ['a percentage of another kind', REAL.replace('"12.50"', '"a lot"')],
    ['no start of the first extent', without('pe_start')],
    ['a negative size', REAL.replace('"58720256"', '"-1"')],
    ['an unknown activity', REAL.replace('"lv_active":"active"', '"lv_active":"remotely"')],
    ['an unknown mark of a disk', REAL.replace('"pv_missing":"missing"', '"pv_missing":"perhaps"')],
    ['no sequence number', without('vg_seqno')],
    ['no tags', without('lv_tags')],
    ['no mark of missing disks', without('pv_missing')],
    ['no mark of closed disks', without('pv_allocatable')],
  ]
  for (const [what, text] of garbage)
    it(`says nothing at all when it meets ${what}`, () => {
      expect(() => parseReport(text)).to.throw(CommandFailed, /lvm fullreport: the report/)
    })

  it('never takes a damaged report for another one', () => {
    const truth = parseReport(REAL)
    fc.assert(
      fc.property(fc.nat(REAL.length - 1), (end) => {
        try {
          expect(parseReport(REAL.slice(0, end))).to.deep.equal(truth)
        } catch (error) {
          expect(error).to.be.instanceOf(CommandFailed)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('reads the names of groups', () => {
    expect(
      parseGroupNames('{"report":[{"vg":[{"vg_name":"a","vg_uuid":"x"},{"vg_name":"b","vg_uuid":"y"}]}]}'),
    ).to.deep.equal(['a', 'b'])
    expect(() => parseGroupNames('{"report":[{"vg":[{}]}]}')).to.throw(CommandFailed)
  })
})
