import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { status, type ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { formatVolumeHandle } from '../../../core/naming.ts'
import { createCsiNode } from '../../../csi-node/csi-node.ts'
import {
  NodeServiceCapability_RPC_Type as NodeCapability,
  PluginCapability_Service_Type as ServiceType,
  VolumeCapability_AccessMode_Mode as Mode,
  type GetPluginCapabilitiesResponse,
  type GetPluginInfoResponse,
  type NodeGetCapabilitiesResponse,
  type NodePublishVolumeRequest,
  type NodeStageVolumeRequest,
  type VolumeCapability,
} from '../../../csi-node/gen/csi.ts'
import { Refused } from '../../../lvm/errors.ts'
import { ask, succeeds, startCsiNode, until, type CsiHarness } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'
import { thrownBy } from './thrown-by.ts'

const HANDLE = {
  groupUuid: 'abcdef-0123-4567-89ab-cdef-0123-456789',
  volumeUuid: 'ghijkl-0123-4567-89ab-cdef-0123-456789',
}
const OTHER = { ...HANDLE, volumeUuid: 'zzzzzz-0123-4567-89ab-cdef-0123-456789' }
const ID = formatVolumeHandle(HANDLE)

const BLOCK: VolumeCapability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { $case: 'block', value: {} },
}
const EXT4: VolumeCapability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { $case: 'mount', value: { fsType: 'ext4', mountFlags: [], volumeMountGroup: '' } },
}

/** Code and message that a call ends with. */
const failureOf = async (promise: Promise<unknown>): Promise<{ code: string; details: string }> => {
  const { code, details } = (await thrownBy(promise)) as ServiceError
  return { code: status[code], details }
}

describe('createCsiNode', () => {
  let volumes: MemoryVolumes
  let csi: CsiHarness
  beforeEach(async () => {
    volumes = new MemoryVolumes(HANDLE)
    csi = await startCsiNode({ volumes })
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  const path = (...parts: string[]): string => join(csi.kubeletDirectory, ...parts)
  const stageRequest = (changes: Partial<NodeStageVolumeRequest> = {}): NodeStageVolumeRequest => ({
    volumeId: ID,
    publishContext: {},
    stagingTargetPath: path('staging'),
    volumeCapability: BLOCK,
    secrets: {},
    volumeContext: {},
    ...changes,
  })
  const publishRequest = (changes: Partial<NodePublishVolumeRequest> = {}): NodePublishVolumeRequest => ({
    ...stageRequest(),
    targetPath: path('target'),
    readonly: false,
    ...changes,
  })
  const stage = (changes: Partial<NodeStageVolumeRequest> = {}) =>
    ask((done) => csi.service.nodeStageVolume(stageRequest(changes), done))
  const unstage = (volumeId = ID, stagingTargetPath = path('staging')) =>
    ask((done) => csi.service.nodeUnstageVolume({ volumeId, stagingTargetPath }, done))
  const publish = (changes: Partial<NodePublishVolumeRequest> = {}) =>
    ask((done) => csi.service.nodePublishVolume(publishRequest(changes), done))
  const unpublish = (volumeId = ID, targetPath = path('target')) =>
    ask((done) => csi.service.nodeUnpublishVolume({ volumeId, targetPath }, done))
  const stats = (volumeId: string, volumePath: string) =>
    ask((done) => csi.service.nodeGetVolumeStats({ volumeId, volumePath, stagingTargetPath: '' }, done))

  describe('identity and info', () => {
    it('gives name and version', async () => {
      const info = await ask((done) => csi.identity.getPluginInfo({}, done))
      expect(info).to.include({ name: 'loam.storage', vendorVersion: '1.2.3' })
    })

    it('says that a volume is bound to a place, and offers no controller service', async () => {
      const { capabilities } = await ask<GetPluginCapabilitiesResponse>((done) =>
        csi.identity.getPluginCapabilities({}, done),
      )
      expect(capabilities).to.deep.equal([
        { type: { $case: 'service', value: { type: ServiceType.VOLUME_ACCESSIBILITY_CONSTRAINTS } } },
      ])
    })

    it('is ready', async () => {
      expect(await ask((done) => csi.identity.probe({}, done))).to.deep.equal({ ready: true })
    })

    it('gives the Node name as id and as topology', async () => {
      expect(await ask((done) => csi.service.nodeGetInfo({}, done))).to.deep.equal({
        nodeId: 'node-1',
        maxVolumesPerNode: 0n,
        accessibleTopology: { segments: { 'topology.loam.storage/node': 'node-1' } },
      })
    })

    it('lists its capabilities', async () => {
      const { capabilities } = await ask<NodeGetCapabilitiesResponse>((done) =>
        csi.service.nodeGetCapabilities({}, done),
      )
      expect(capabilities.map(({ type }) => type?.value.type)).to.deep.equal([
        NodeCapability.STAGE_UNSTAGE_VOLUME,
        NodeCapability.GET_VOLUME_STATS,
        NodeCapability.SINGLE_NODE_MULTI_WRITER,
      ])
    })

    it('answers UNIMPLEMENTED for a call that no capability offers', async () => {
      const request = {
        volumeId: ID,
        volumePath: '/x',
        stagingTargetPath: '',
        secrets: {},
      }
      expect(await failureOf(ask((done) => csi.service.nodeExpandVolume(request, done)))).to.deep.equal({
        code: 'UNIMPLEMENTED',
        details: '/csi.v1.Node/NodeExpandVolume is not offered by this driver',
      })
    })
  })

  describe('a request', () => {
    const faults: [string, () => Promise<unknown>, string, string][] = [
      ['stage without id', () => stage({ volumeId: '' }), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
      [
        'stage without path',
        () => stage({ volumeId: 'any', stagingTargetPath: '' }),
        'INVALID_ARGUMENT',
        'staging_target_path: it is missing',
      ],
      [
        'stage without capability',
        () => stage({ volumeId: 'any', volumeCapability: undefined }),
        'INVALID_ARGUMENT',
        'volume_capability: it is missing',
      ],
      [
        'stage outside',
        () => stage({ stagingTargetPath: '/etc' }),
        'INVALID_ARGUMENT',
        '"/etc" is not allowed',
      ],
      [
        'stage through ..',
        () => stage({ stagingTargetPath: `${path('a')}/../../etc` }),
        'INVALID_ARGUMENT',
        'without ".."',
      ],
      ['stage of a foreign id', () => stage({ volumeId: 'vol-1' }), 'NOT_FOUND', 'volume "vol-1"'],
      [
        'stage of an unknown volume',
        () => stage({ volumeId: formatVolumeHandle(OTHER) }),
        'NOT_FOUND',
        OTHER.volumeUuid,
      ],
      [
        'stage with words for mkfs that are not allowed',
        () => stage({ volumeCapability: EXT4, volumeContext: { 'loam.storage/mkfsOptions': '$(reboot)' } }),
        'INVALID_ARGUMENT',
        'volume_context["loam.storage/mkfsOptions"]: "$(reboot)" is not allowed',
      ],
      [
        'stage on a path that is not there',
        () => stage({ volumeCapability: EXT4 }),
        'FAILED_PRECONDITION',
        'there is no such directory',
      ],
      ['unstage without id', () => unstage(''), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
      [
        'unstage without path',
        () => unstage('any', ''),
        'INVALID_ARGUMENT',
        'staging_target_path: it is missing',
      ],
      ['publish without id', () => publish({ volumeId: '' }), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
      [
        'publish without target',
        () => publish({ volumeId: 'any', targetPath: '' }),
        'INVALID_ARGUMENT',
        'target_path: it is missing',
      ],
      [
        'publish without capability',
        () => publish({ volumeId: 'any', volumeCapability: undefined }),
        'INVALID_ARGUMENT',
        'volume_capability: it is missing',
      ],
      [
        'publish without staging path',
        () => publish({ stagingTargetPath: '' }),
        'FAILED_PRECONDITION',
        'NodeStageVolume comes first',
      ],
      [
        'publish of a file system that is not staged',
        () => publish({ volumeCapability: EXT4 }),
        'FAILED_PRECONDITION',
        'it is not mounted at staging path',
      ],
      [
        'publish of a block volume that is not staged',
        () => publish(),
        'FAILED_PRECONDITION',
        'its logical volume is not active',
      ],
      [
        'publish of an unknown block volume',
        () => publish({ volumeId: formatVolumeHandle(OTHER) }),
        'NOT_FOUND',
        'no such logical volume',
      ],
      ['publish outside', () => publish({ targetPath: '/mnt' }), 'INVALID_ARGUMENT', 'target_path: "/mnt"'],
      ['unpublish without id', () => unpublish(''), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
      [
        'unpublish without target',
        () => unpublish('any', ''),
        'INVALID_ARGUMENT',
        'target_path: it is missing',
      ],
      ['unpublish outside', () => unpublish(ID, '/home'), 'INVALID_ARGUMENT', 'target_path: "/home"'],
      ['stats without id', () => stats('', '/x'), 'INVALID_ARGUMENT', 'volume_id: it is missing'],
      ['stats without path', () => stats(ID, ''), 'INVALID_ARGUMENT', 'volume_path: it is missing'],
      ['stats of a foreign id', () => stats('vol-1', 'some/path'), 'NOT_FOUND', 'volume "vol-1"'],
      ['stats of a wrong path', () => stats(ID, 'some/path'), 'NOT_FOUND', 'not mounted at "some/path"'],
      ['stats of what another mounted', () => stats(ID, '/proc'), 'NOT_FOUND', 'not mounted at "/proc"'],
    ]
    for (const [what, request, code, part] of faults) {
      it(`to ${what} is answered ${code}, and nothing is touched`, async () => {
        const failure = await failureOf(request())
        expect(failure.code).to.equal(code)
        expect(failure.details).to.include(part)
        expect((await readdir(csi.kubeletDirectory)).sort()).to.deep.equal(['plugins', 'plugins_registry'])
        expect(volumes.calls).to.not.include('release')
      })
    }
  })

  describe('stage and unstage of a block volume', () => {
    it('prepare and release the volume, as often as they are called', async () => {
      await stage()
      await stage()
      await unstage()
      await unstage()
      expect(volumes.calls).to.deep.equal(['prepare block', 'prepare block', 'release', 'release'])
    })

    it('give the error of lvm/ on with its code and text', async () => {
      volumes.interlude = () =>
        Promise.reject(new Refused('logical volume "g/v"', 'it holds xfs, and ext4 is wanted'))
      expect(await failureOf(stage())).to.deep.equal({
        code: 'FAILED_PRECONDITION',
        details: 'logical volume "g/v": it holds xfs, and ext4 is wanted',
      })
    })

    it('are fine with an id that Loam does not know', async () => {
      await unstage('vol-1')
      await unpublish('vol-1')
      expect(volumes.calls).to.deep.equal([])
    })
  })

  it('answers ABORTED while another call for the volume runs, and serves other volumes', async () => {
    const release = Promise.withResolvers<undefined>()
    volumes.interlude = () => release.promise
    const first = stage()
    await until(() => volumes.calls.length === 1)
    for (const second of [stage(), unstage(), unpublish()]) {
      expect(await failureOf(second)).to.deep.equal({
        code: 'ABORTED',
        details: `volume "${ID}": NodeStageVolume is still running for it (call again later)`,
      })
    }
    await unpublish(formatVolumeHandle(OTHER))
    release.resolve(undefined)
    await first
    await unstage()
  })

  it('keeps the volume locked when the caller goes away, until the work is done', async () => {
    const release = Promise.withResolvers<undefined>()
    volumes.interlude = () => release.promise
    const answered = Promise.withResolvers<ServiceError | null>()
    const running = csi.service.nodeStageVolume(stageRequest(), (error) => answered.resolve(error))
    await until(() => volumes.calls.length === 1)
    running.cancel()
    expect((await answered.promise)?.code).to.equal(status.CANCELLED)
    expect((await failureOf(unstage())).code).to.equal('ABORTED')
    release.resolve(undefined)
    await until(() => succeeds(unstage()))
  })

  it('does not go on to mount for a caller that went away', async () => {
    await mkdir(path('staging'))
    const release = Promise.withResolvers<undefined>()
    volumes.interlude = () => release.promise
    const answered = Promise.withResolvers<ServiceError | null>()
    const running = csi.service.nodeStageVolume(stageRequest({ volumeCapability: EXT4 }), (error) =>
      answered.resolve(error),
    )
    await until(() => volumes.calls.length === 1)
    running.cancel()
    await answered.promise
    await until(() => csi.log.some(({ message }) => message === 'CSI call was given up by its caller'))
    release.resolve(undefined)
    await until(() => succeeds(unstage()))
    // Unstage may have been refused while stage still ran, so its lines can come first.
    const stageLine = () =>
      csi.log.find(({ message, fields }) => {
        return message === 'CSI call' && fields.method === '/csi.v1.Node/NodeStageVolume'
      })
    await until(() => stageLine() !== undefined)
    expect(stageLine()?.fields).to.include({ code: 'CANCELLED' })
  })

  describe('unpublish', () => {
    it('removes the empty directory or file of a publication, and is content without', async () => {
      await mkdir(path('target'))
      await unpublish()
      await writeFile(path('target'), '')
      await unpublish()
      await unpublish()
      expect(await readdir(csi.kubeletDirectory)).to.not.include('target')
      await unpublish(ID, path('absent/target'))
    })

    it('never deletes content', async () => {
      await mkdir(path('target'))
      await writeFile(path('target/data'), 'precious')
      await writeFile(path('file'), 'precious')
      const directory = await failureOf(unpublish())
      expect(directory.code).to.equal('FAILED_PRECONDITION')
      expect(directory.details).to.include(`"${path('target')}": the directory is not empty`)
      expect((await failureOf(unpublish(ID, path('file')))).details).to.include('was left alone')
      expect((await stat(path('target/data'))).size).to.equal(8)
      expect((await stat(path('file'))).size).to.equal(8)
    })

    it('refuses a link at the target, and on the way to it', async () => {
      await mkdir(path('elsewhere/target'), { recursive: true })
      await symlink('elsewhere', path('link'))
      await symlink('elsewhere/target', path('target'))
      expect((await failureOf(unpublish())).code).to.equal('FAILED_PRECONDITION')
      expect((await failureOf(unpublish(ID, path('link/target')))).code).to.equal('INVALID_ARGUMENT')
      expect(await readdir(path('elsewhere'))).to.deep.equal(['target'])
    })
  })

  describe('the log', () => {
    it('has one line a call, without what the request carried', async () => {
      const before = csi.log.length
      await stage({ secrets: { key: 'hunter2' }, volumeContext: { token: 'hunter3' } })
      await failureOf(stage({ volumeId: 'vol-1', secrets: { key: 'hunter2' } }))
      await ask((done) => csi.identity.probe({}, done))
      const lines = csi.log.slice(before)
      expect(
        lines.map(({ level, fields }) => [level, fields.method, fields.code, fields.volumeId]),
      ).to.deep.equal([
        ['info', '/csi.v1.Node/NodeStageVolume', 'OK', ID],
        ['warn', '/csi.v1.Node/NodeStageVolume', 'NOT_FOUND', 'vol-1'],
        ['debug', '/csi.v1.Identity/Probe', 'OK', undefined],
      ])
      expect(lines.every(({ fields }) => typeof fields.durationMs === 'number')).to.equal(true)
      expect(JSON.stringify(csi.log)).to.not.include('hunter')
    })
  })

  describe('its sockets', () => {
    const driverSocket = () => path('plugins/loam.storage/csi.sock')
    const registrationSocket = () => path('plugins_registry/loam.storage-reg.sock')

    it('are for root only, in a directory for root only', async () => {
      expect((await stat(path('plugins/loam.storage'))).mode & 0o777).to.equal(0o700)
      expect((await stat(driverSocket())).mode & 0o777).to.equal(0o600)
      expect((await stat(registrationSocket())).mode & 0o777).to.equal(0o600)
    })

    it('come back when others remove them', async () => {
      await rm(path('plugins/loam.storage'), { recursive: true })
      await rm(registrationSocket())
      await until(() => succeeds(stat(driverSocket())))
      await until(() => succeeds(stat(registrationSocket())))
      await until(() => csi.node.health().listening)
      await until(() => succeeds(ask((done) => csi.identity.probe({}, done))))
    })

    it('are gone after a stop', async () => {
      await csi.node.stop(1000)
      expect(await readdir(path('plugins/loam.storage'))).to.deep.equal([])
      expect(await readdir(path('plugins_registry'))).to.deep.equal([])
    })
  })

  it('waits, and says so, while another agent serves this node; then takes over', async () => {
    const second = createCsiNode({
      nodeName: 'node-1',
      kubeletDirectory: csi.kubeletDirectory,
      volumes,
      runner: { run: () => Promise.reject(new Error('not for this test')) },
      version: '1.2.4',
      log: silentLogger,
      checkIntervalMs: 10,
    })
    await second.start()
    try {
      expect(second.health()).to.include({ listening: false, registered: false })
      expect(second.health().problem).to.include('another process answers there')
      await csi.node.stop(0)
      await until(() => second.health().listening)
      await until(async () => {
        const info = await ask<GetPluginInfoResponse>((done) => csi.identity.getPluginInfo({}, done)).catch(
          () => undefined,
        )
        return info?.vendorVersion === '1.2.4'
      })
    } finally {
      await second.stop(0)
    }
  })

  it('refuses a kubelet directory that is none, and says what is missing', async () => {
    const empty = await realpath(await mkdtemp(join(tmpdir(), 'loam-csi-')))
    try {
      const misled = createCsiNode({
        nodeName: 'node-1',
        kubeletDirectory: empty,
        volumes,
        runner: { run: () => Promise.reject(new Error('not for this test')) },
        version: '1.2.3',
        log: silentLogger,
      })
      expect((await thrownBy(misled.start())).message).to.include(`no directory "${empty}/plugins_registry"`)
    } finally {
      await rm(empty, { recursive: true })
    }
  })
})
