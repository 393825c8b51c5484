import { link, lstat, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { Client, credentials, type ServiceDefinition, type handleUnaryCall } from '@grpc/grpc-js'
import { expect } from 'chai'

import { SocketUnusable } from '../../../csi-node/errors.ts'
import { SocketServer } from '../../../csi-node/socket-server.ts'
import { thrownBy } from './thrown-by.ts'

const echo = {
  path: '/test.Echo/Echo',
  requestStream: false,
  responseStream: false,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
} as const
const echoService: ServiceDefinition = { echo }

/** Leaves a socket file behind that nobody listens on, as a killed process does. */
const leaveStaleSocket = async (path: string): Promise<void> => {
  const server = createServer()
  await promisify((callback: () => void) => server.listen(`${path}.live`, callback))()
  await link(`${path}.live`, path)
  await promisify((callback: (error?: Error) => void) => server.close(callback))()
}

describe('SocketServer', () => {
  let directory: string
  let path: string
  let servers: SocketServer[]

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'loam-socket-')))
    path = join(directory, 'csi.sock')
    servers = []
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close(0)))
    await rm(directory, { recursive: true })
  })

  const answerWith = (answer: (text: string) => Promise<string>): SocketServer => {
    const handler: handleUnaryCall<string, string> = (call, callback) => {
      void answer(call.request).then((text) => callback(null, text))
    }
    const server = new SocketServer({
      path,
      interceptors: [],
      addServices: (grpcServer) => grpcServer.addService(echoService, { echo: handler }),
    })
    servers.push(server)
    return server
  }
  const create = (): SocketServer => answerWith((text) => Promise.resolve(text))

  const call = async (text: string): Promise<string> => {
    const client = new Client(`unix:${path}`, credentials.createInsecure())
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          echo.path,
          echo.requestSerialize,
          echo.responseDeserialize,
          text,
          { deadline: Date.now() + 5000 },
          (error, value) => {
            if (error === null) resolve(value ?? '')
            else reject(error)
          },
        )
      })
    } finally {
      client.close()
    }
  }

  it('answers, on a socket that only its owner may use', async () => {
    await create().ensureListening()
    expect(await call('hello')).to.equal('hello')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readdir(directory)).to.deep.equal(['csi.sock'])
  })

  it('makes the directory, for its owner only', async () => {
    await rm(directory, { recursive: true })
    await create().ensureListening()
    expect((await stat(directory)).mode & 0o777).to.equal(0o700)
  })

  it('takes the place of a socket that nobody answers on', async () => {
    await leaveStaleSocket(path)
    expect((await lstat(path)).isSocket()).to.equal(true)
    await create().ensureListening()
    expect(await call('hello')).to.equal('hello')
  })

  it('leaves a socket alone that another process answers on, until that one has ended', async () => {
    const older = create()
    await older.ensureListening()
    const newer = create()
    const error = await thrownBy(newer.ensureListening())
    expect(error).to.be.instanceOf(SocketUnusable)
    expect(error.message).to.include('another process answers there')
    expect(await call('still there')).to.equal('still there')
    await older.close(0)
    await newer.ensureListening()
    expect(await call('hello')).to.equal('hello')
  })

  it('leaves a file alone that is not a socket', async () => {
    await writeFile(path, 'precious')
    expect((await thrownBy(create().ensureListening())).message).to.include('not a socket')
    expect((await stat(path)).size).to.equal(8)
  })

  it('does nothing when it listens already', async () => {
    const server = create()
    await server.ensureListening()
    const { ino } = await stat(path)
    await server.ensureListening()
    expect((await stat(path)).ino).to.equal(ino)
  })

  it('comes back when its socket, or the whole directory, was removed', async () => {
    const server = create()
    await server.ensureListening()
    await rm(path)
    await server.ensureListening()
    expect(await call('again')).to.equal('again')
    await rm(directory, { recursive: true })
    await server.ensureListening()
    expect(await call('and again')).to.equal('and again')
  })

  it('does not remove the socket of its successor', async () => {
    const older = create()
    await older.ensureListening()
    await rm(path)
    await create().ensureListening()
    await older.close(0)
    expect(await call('successor')).to.equal('successor')
  })

  it('lets a running call end before it closes, and takes the socket away at once', async () => {
    const release = Promise.withResolvers<string>()
    const entered = Promise.withResolvers<undefined>()
    const server = answerWith((text) => {
      entered.resolve(undefined)
      return release.promise.then(() => text)
    })
    await server.ensureListening()
    const answer = call('slow')
    await entered.promise
    const closed = server.close(5000)
    while ((await readdir(directory)).length > 0) await new Promise(setImmediate)
    release.resolve('')
    expect(await answer).to.equal('slow')
    await closed
  })

  it('ends a call that outlives the grace', async () => {
    const entered = Promise.withResolvers<undefined>()
    const server = answerWith(() => {
      entered.resolve(undefined)
      return new Promise(() => undefined)
    })
    await server.ensureListening()
    const answer = thrownBy(call('stuck'))
    await entered.promise
    await server.close(20)
    expect((await answer).message).to.match(/UNAVAILABLE|CANCELLED/)
  })

  it('refuses a path that is too long for a socket', () => {
    const long = join('/', 'x'.repeat(100), 'csi.sock')
    expect(() => new SocketServer({ path: long, interceptors: [], addServices: () => undefined }))
      .to.throw(SocketUnusable)
      .with.property('message')
      .that.includes('too long for a socket by 4 bytes')
  })

  it('says which socket it cannot make', async () => {
    await mkdir(path)
    expect((await thrownBy(create().ensureListening())).message).to.include(`socket "${path}"`)
  })
})
