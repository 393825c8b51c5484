import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status, type ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { formatVolumeHandle } from '../../../core/naming.ts'
import { createCsiNode } from '../../../csi-node/csi-node.ts'
import { registrationSocketName } from '../../../csi-node/registration-socket.ts'
import { type GetPluginInfoResponse } from '../../../csi-node/gen/csi.ts'
import { type CsiHarness, ask, startCsiNode, succeeds, until } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'
import { EXT4, HANDLE, ID, OTHER, failureOf, nodeCalls } from './node-calls.ts'
import { Refused } from '../../../lvm/errors.ts'
import { thrownBy } from './thrown-by.ts'

describe('createCsiNode', () => {
  let volumes: MemoryVolumes
  let csi: CsiHarness
  beforeEach(async () => {
    volumes = new MemoryVolumes(HANDLE)
    csi = await startCsiNode({ volumes })
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  const { path, stageRequest, stage, unstage, unpublish } = nodeCalls(() => csi)

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

    it('tell when the volume is released, and not when it could not be', async () => {
      volumes.interlude = () => Promise.reject(new Refused('logical volume "g/v"', 'it is open'))
      await failureOf(unstage())
      expect(csi.unstaged).to.deep.equal([])
      volumes.interlude = () => Promise.resolve()
      await unstage()
      expect(csi.unstaged).to.deep.equal([HANDLE])
    })

    it('are fine with an id that Loam does not know', async () => {
      await unstage('vol-1')
      await unpublish('vol-1')
      expect(volumes.calls).to.deep.equal([])
      expect(csi.unstaged).to.deep.equal([])
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

  it('tells of a call that does not end, again and again, and no more when it has ended', async () => {
    const release = Promise.withResolvers<undefined>()
    volumes.interlude = () => release.promise
    const slow = () => csi.log.filter(({ message }) => message === 'CSI call has not ended yet')
    const staging = stage()
    await until(() => Promise.resolve(slow().length > 1))
    expect(slow()[0]?.fields).to.include({ method: '/csi.v1.Node/NodeStageVolume', volumeId: ID })
    release.resolve(undefined)
    await staging
    const { length } = slow()
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(slow()).to.have.length(length)
  })

  describe('its sockets', () => {
    const driverSocket = () => path('plugins/loam.storage/csi.sock')
    const registrationSocket = () => path(`plugins_registry/${registrationSocketName()}`)

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
