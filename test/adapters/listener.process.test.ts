import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { Agent, IncomingMessage, request, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { readInheritedSockets } from '../../src/adapters/loopback/inherited-sockets.ts'
import { listen, type ListenOptions } from '../../src/adapters/loopback/listener.ts'
import { bindTcp } from '../../src/adapters/loopback/listener-sockets.ts'
import { createApp } from '../../src/http/app.ts'
import { createTcpDoor, OWNER_DOOR } from '../../src/http/door.ts'
import { answerToMalformed } from '../../src/http/problems.ts'
import { KEY, recordedDeps, SERVED } from '../http/doors.ts'
import { recordingLog } from '../support/builders.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, missingCommands, noIpv6 } from '../support/needs.ts'
import { startProgram } from '../support/program.ts'

/** A promise, and what fulfils it. */
function promised<Value>() {
  let resolve: (value: Value) => void = () => undefined
  const promise = new Promise<Value>((fulfil) => {
    resolve = fulfil
  })
  return {
    promise,
    resolve: (value: Value) => {
      resolve(value)
    },
  }
}

/** What answers requests in a test: express's part is two prototypes. */
function endpoint(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const answering = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response)
    return undefined
  }
  return Object.assign(answering, {
    turnAway: (response: ServerResponse) => response.destroy(),
    app: {
      request: Object.create(IncomingMessage.prototype) as object,
      response: Object.create(ServerResponse.prototype) as object,
    },
  })
}

function naming(door: string) {
  return endpoint((_request, response) => {
    response.end(door)
  })
}

interface Place extends Disposable {
  readonly options: ListenOptions
}

function place(overrides: Partial<ListenOptions> = {}): Place {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-listen-'))
  return {
    options: {
      host: '127.0.0.1',
      port: 0,
      socketPath: join(directory, 'owner.sock'),
      lockHeld: true,
      tcp: naming('tcp'),
      owner: naming('owner'),
      answerToMalformed,
      log: recordingLog(),
      ...overrides,
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true })
    },
  }
}

/** A listener that is gone at the end of the test. */
async function opened(options: ListenOptions) {
  const listener = await listen(options)
  const { hostname, port } = new URL(listener.url)
  return {
    ...listener,
    hostname,
    port: Number(port),
    [Symbol.asyncDispose]: () => listener.stop(0),
  }
}

interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(to: object): Promise<Answered> {
  const [answer] = (await once(request({ path: '/', ...to }).end(), 'response')) as [
    IncomingMessage,
  ]
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
}

async function sendBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

async function squatter(host: string, port = 0): Promise<Server & AsyncDisposable> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  })
}

async function isOpen(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('listen, on TCP', () => {
  itNeeds(noIpv6())('answers on both loopback families at one port', async () => {
    using at = place()
    await using listener = await opened(at.options)
    expect(listener.url).toBe(`http://127.0.0.1:${listener.port}`)
    for (const host of ['127.0.0.1', '::1']) {
      expect((await ask({ host, port: listener.port })).body).toBe('tcp')
    }
  })

  itNeeds(noIpv6())('names the address of the config in its URL', async () => {
    using at = place({ host: '::1' })
    await using listener = await opened(at.options)
    expect(listener.url).toBe(`http://[::1]:${listener.port}`)
    expect((await ask({ host: '127.0.0.1', port: listener.port })).body).toBe('tcp')
  })

  itNeeds(noIpv6())('does not start where the port of the other family is taken', async () => {
    await using other = await squatter('::1')
    const { port } = other.address() as AddressInfo
    using at = place({ port })
    await expect(listen(at.options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(
        `Port ${port} of ::1 is taken: by another evo-token`,
      ) as string,
      hint: expect.stringContaining(String(port)) as string,
    })
    expect(await isOpen(port, '127.0.0.1')).toBe(false)
    expect(existsSync(at.options.socketPath)).toBe(false)
  })

  it('does not start where its own port is taken', async () => {
    await using other = await squatter('127.0.0.1')
    const { port } = other.address() as AddressInfo
    using at = place({ port })
    await expect(listen(at.options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`) as string,
    })
  })

  it('says which address cannot be bound', async () => {
    using at = place({ host: '192.0.2.77' })
    await expect(listen(at.options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('192.0.2.77 cannot be bound (EADDRNOTAVAIL)') as string,
    })
  })

  it.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])(
    'is content with one family where the other fails with %s',
    async (code) => {
      const servers: Server[] = []
      const create = () => {
        const server = createServer()
        if (servers.push(server) === 2) {
          server.listen = () => {
            process.nextTick(() => server.emit('error', Object.assign(new Error(code), { code })))
            return server
          }
        }
        return server
      }
      const { port } = await bindTcp(create, { host: '127.0.0.1', port: 0 })
      expect(await isOpen(port, '127.0.0.1')).toBe(true)
      servers[0]?.close()
    },
  )

  it('tries another free port where the first is taken in the other family', async () => {
    const servers: Server[] = []
    const create = () => {
      const server = createServer()
      if (servers.push(server) === 2) {
        const taken = Object.assign(new Error('taken'), { code: 'EADDRINUSE' })
        server.listen = () => {
          process.nextTick(() => server.emit('error', taken))
          return server
        }
      }
      return server
    }
    const { port } = await bindTcp(create, { host: '127.0.0.1', port: 0 })
    expect(servers.map(({ listening }) => listening).slice(0, 3)).toEqual([false, false, true])
    expect((servers[2]?.address() as AddressInfo).port).toBe(port)
    for (const server of servers) server.close()
  })
})

describe('listen, on the owner socket', () => {
  it('is born with mode 0600, whatever the mask, and leaves the mask alone', async () => {
    const before = process.umask(0o002)
    try {
      using at = place()
      await using listener = await opened(at.options)
      expect(statSync(at.options.socketPath).mode & 0o777).toBe(0o600)
      expect(process.umask(0o002)).toBe(0o002)
      expect((await ask({ socketPath: listener.ownerSocket.path })).body).toBe('owner')
    } finally {
      process.umask(before)
    }
  })

  it('takes the place of a socket that no process answers, if it holds the lock', async () => {
    using at = place()
    const { socketPath } = at.options
    await leaveStaleSocket(socketPath)
    await expect(listen({ ...at.options, lockHeld: false })).rejects.toMatchObject({
      code: 'failed',
    })
    expect(existsSync(socketPath)).toBe(true)
    await using listener = await opened(at.options)
    expect(listener.ownerSocket.path).toBe(socketPath)
    expect((await ask({ socketPath })).body).toBe('owner')
  })

  it('leaves a socket alone that another process answers, lock or not', async () => {
    using at = place()
    await using first = await opened(at.options)
    await expect(listen(at.options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('Another daemon listens on') as string,
    })
    expect((await ask({ socketPath: first.ownerSocket.path })).body).toBe('owner')
  })

  it('does not remove what is not a socket', async () => {
    using at = place()
    writeFileSync(at.options.socketPath, 'precious')
    await expect(listen(at.options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('it is not a socket') as string,
    })
    expect(statSync(at.options.socketPath).size).toBe(8)
  })

  itNeeds(process.getuid?.() === 0 ? undefined : 'giving a file away takes root')(
    'does not remove a socket of another user',
    async () => {
      using at = place()
      await leaveStaleSocket(at.options.socketPath)
      chownSync(at.options.socketPath, 65534, 65534)
      await expect(listen(at.options)).rejects.toMatchObject({
        message: expect.stringContaining('it belongs to another user') as string,
      })
      expect(existsSync(at.options.socketPath)).toBe(true)
    },
  )

  it('refuses a path that the system would cut short', async () => {
    using at = place()
    const socketPath = `${at.options.socketPath}-${'x'.repeat(100)}`
    await expect(listen({ ...at.options, socketPath })).rejects.toMatchObject({ code: 'failed' })
  })

  it('says where the directory is not there, and lets go of the port', async () => {
    const port = await freePort()
    using at = place({ port })
    const socketPath = join(`${at.options.socketPath}.d`, 'owner.sock')
    await expect(listen({ ...at.options, socketPath })).rejects.toMatchObject({
      code: 'failed',
      message: `The owner socket ${socketPath} cannot be made.`,
    })
    expect(await isOpen(port, '127.0.0.1')).toBe(false)
  })
})

describe('a server', () => {
  it('answers bytes that are no request with a problem', async () => {
    using at = place()
    await using listener = await opened(at.options)
    const answer = await sendBytes(listener.port, 'GARBAGE\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toContain('urn:evo-token:problem:invalid_request')
    expect(answer).not.toContain('GARBAGE')
  })

  it('answers a header that is too large with a problem', async () => {
    using at = place()
    await using listener = await opened(at.options)
    const answer = await sendBytes(listener.port, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('urn:evo-token:problem:too_large')
  })

  it('does not break into an answer that is on its way', async () => {
    const sent = promised<ServerResponse>()
    using at = place({
      tcp: endpoint((_request, response) => {
        response.write('begun ')
        sent.resolve(response)
      }),
    })
    await using listener = await opened(at.options)
    const socket = connect(listener.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await sent.promise
    socket.write('GARBAGE\r\n\r\n')
    expect(await text(socket)).not.toContain('problem')
  })

  it('leaves a missing Host to the guard, and ignores an expectation that it does not know', async () => {
    using at = place()
    await using listener = await opened(at.options)
    const end = 'Connection: close\r\n\r\n'
    expect(await sendBytes(listener.port, `GET / HTTP/1.1\r\n${end}`)).toContain('200 OK')
    const expecting = `GET / HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\n${end}`
    expect(await sendBytes(listener.port, expecting)).toContain('200 OK')
  })

  it('gives requests and responses the prototypes of the app at birth', async () => {
    const tcp = endpoint((incoming, response) => {
      const born =
        Object.getPrototypeOf(incoming) === tcp.app.request &&
        Object.getPrototypeOf(response) === tcp.app.response
      const inherits = expressRequest.isPrototypeOf(incoming) && incoming instanceof IncomingMessage
      response.end(`${born} ${inherits}`)
    })
    const { request: expressRequest } = tcp.app
    using at = place({ tcp })
    await using listener = await opened(at.options)
    expect((await ask({ port: listener.port })).body).toBe('true true')
  })

  it('serves the real endpoint at both doors, over connections that are kept', async () => {
    const { deps } = recordedDeps()
    using at = place({
      tcp: createApp(deps, createTcpDoor(deps)),
      owner: createApp(deps, OWNER_DOOR),
    })
    await using listener = await opened(at.options)
    const path = '/v1/apps/evo-me/token?min_ttl=60'
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const headers = { Authorization: `Bearer ${KEY}` }
    for (let time = 0; time < 3; time += 1) {
      const tcp = await ask({ port: listener.port, path, headers, agent })
      expect(JSON.parse(tcp.body)).toMatchObject({ access_token: SERVED.accessToken })
      const owner = await ask({ socketPath: listener.ownerSocket.path, path, agent })
      expect(JSON.parse(owner.body)).toMatchObject({ access_token: SERVED.accessToken })
    }
    agent.destroy()
    expect((await ask({ port: listener.port, path })).status).toBe(401)
    expect((await ask({ port: listener.port, path: '/v1/callers', headers })).status).toBe(403)
    expect((await ask({ socketPath: listener.ownerSocket.path, path: '/v1/callers' })).status).toBe(
      200,
    )
  })

  it('goes on when clients go away in the middle of everything', async () => {
    const { deps, log } = recordedDeps({
      broker: { token: () => new Promise((resolve) => setImmediate(resolve, SERVED)) },
    })
    using at = place({
      tcp: createApp(deps, createTcpDoor(deps)),
      owner: createApp(deps, OWNER_DOOR),
    })
    await using listener = await opened(at.options)
    const head = `Host: localhost:${listener.port}\r\nAuthorization: Bearer ${KEY}\r\n`
    const bytes = [
      `GET /v1/apps/evo-me/token HTTP/1.1\r\n${head}\r\n`,
      `POST /v1/apps/evo-me/refresh HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
      `GET /v1/apps/evo-me/tok`,
      `GET /v1/apps HTTP/1.1\r\n${head}\r\n`.repeat(50),
    ]
    const gone = bytes.map(async (some) => {
      const socket = connect(listener.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(some)
      socket.resetAndDestroy()
      await once(socket, 'close')
    })
    await Promise.all(gone)
    const headers = { Authorization: `Bearer ${KEY}` }
    expect((await ask({ port: listener.port, path: '/v1/apps', headers })).status).toBe(200)
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('stop', () => {
  it('lets a running request finish, tells its client to close, and takes no new one', async () => {
    const running = promised<ServerResponse>()
    using at = place({
      tcp: endpoint((_request, response) => {
        running.resolve(response)
      }),
    })
    const listener = await listen(at.options)
    const port = Number(new URL(listener.url).port)
    const agent = new Agent({ keepAlive: true })
    const answered = ask({ port, agent })
    const response = await running.promise
    const stopped = listener.stop(30_000)
    expect(await isOpen(port, '127.0.0.1')).toBe(false)
    response.end('finished')
    const answer = await answered
    expect(answer.body).toBe('finished')
    expect(answer.headers.connection).toBe('close')
    await stopped
    expect(existsSync(at.options.socketPath)).toBe(false)
    agent.destroy()
  })

  it('still answers on a kept connection for a moment, and closes it', async () => {
    using at = place()
    const listener = await listen(at.options)
    const port = Number(new URL(listener.url).port)
    const socket = connect(port, '127.0.0.1')
    const asked = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    socket.write(asked)
    await once(socket, 'data')
    const stopped = listener.stop(30_000)
    socket.write(asked)
    const rest = await text(socket)
    expect(rest).toContain('200 OK')
    expect(rest).toContain('Connection: close')
    await stopped
  })

  it('does not wait for connections on which nothing is asked', async () => {
    using at = place()
    const listener = await listen(at.options)
    const port = Number(new URL(listener.url).port)
    const silent = connect(port, '127.0.0.1')
    const half = connect(port, '127.0.0.1')
    await Promise.all([once(silent, 'connect'), once(half, 'connect')])
    half.write('GET / HT')
    const closed = [silent, half].map((socket: Socket) => {
      // Cut off in the middle of a request a client may see a reset.
      socket.on('error', () => undefined).resume()
      return new Promise((resolve) => socket.once('close', resolve))
    })
    await listener.stop(600_000)
    await Promise.all(closed)
  })

  it('cuts off what runs for longer than it may', async () => {
    const running = promised<ServerResponse>()
    using at = place({
      tcp: endpoint((_request, response) => {
        response.write('an endless ')
        running.resolve(response)
      }),
    })
    const listener = await listen(at.options)
    const port = Number(new URL(listener.url).port)
    const answered = ask({ port })
    answered.catch(() => undefined)
    await running.promise
    await listener.stop(50)
    await expect(answered).rejects.toThrow()
  })
})

describe('readInheritedSockets', () => {
  it.each([
    [{ LISTEN_PID: '42', LISTEN_FDS: '2' }, [3, 4]],
    [{ LISTEN_PID: '42', LISTEN_FDS: '0' }, []],
    [{ LISTEN_PID: '41', LISTEN_FDS: '2' }, []],
    [{ LISTEN_FDS: '2' }, []],
    [{ LISTEN_PID: '42' }, []],
    [{ LISTEN_PID: '42', LISTEN_FDS: '-1' }, []],
    [{ LISTEN_PID: '42', LISTEN_FDS: '1e3x' }, []],
    [{}, []],
  ])('of %j for process 42 are %j', (env, descriptors) => {
    expect(readInheritedSockets(env, 42)).toEqual(descriptors)
  })
})

describe('sockets that systemd hands over', () => {
  /** Runs `systemd-socket-activate` on itself, and is then what that starts. */
  const PROGRAM = `
    import { spawn } from 'node:child_process'
    import { IncomingMessage, ServerResponse } from 'node:http'
    import { readInheritedSockets } from './src/adapters/loopback/inherited-sockets.js'
    import { listen } from './src/adapters/loopback/listener.js'
    if (process.env.LISTEN_FDS === undefined) {
      const sockets = process.env.SOCKETS.split(' ').flatMap((socket) => ['-l', socket])
      const child = spawn(
        'systemd-socket-activate',
        [...sockets, '-E', 'FALLBACK', process.execPath, process.argv[1]],
        { stdio: ['ignore', 'inherit', 'pipe'] },
      )
      child.stderr.once('data', () => console.log('waiting'))
      child.stderr.on('data', (chunk) => process.stderr.write(chunk))
      process.on('SIGTERM', () => child.kill())
      child.on('exit', (code) => process.exit(code ?? 1))
    } else {
      const naming = (door) =>
        Object.assign((request, response) => response.end(door), {
          app: {
            request: Object.create(IncomingMessage.prototype),
            response: Object.create(ServerResponse.prototype),
          },
        })
      const log = { warn: console.error }
      try {
        const listener = await listen({
          host: '127.0.0.1', port: 0, socketPath: process.env.FALLBACK, lockHeld: true,
          tcp: naming('tcp'), owner: naming('owner'), answerToMalformed: () => '', log,
          inherited: readInheritedSockets(process.env, process.pid),
        })
        console.log(JSON.stringify({ url: listener.url, socketPath: listener.ownerSocket.path }))
        process.on('SIGTERM', async () => {
          await listener.stop(0)
          process.exit(0)
        })
      } catch (error) {
        console.log(error.message)
        process.exit(1)
      }
    }`

  async function activated(...sockets: string[]) {
    const directory = mkdtempSync(join(tmpdir(), 'evo-token-inherit-'))
    const fallback = join(directory, 'fallback.sock')
    const named = sockets.map((socket) => socket.replace('DIR', directory))
    const env = { ...process.env, SOCKETS: named.join(' '), FALLBACK: fallback }
    const running = startProgram(PROGRAM, { env })
    expect(await running.line()).toBe('waiting')
    return {
      directory,
      fallback,
      running,
      async [Symbol.asyncDispose]() {
        running.kill('SIGTERM')
        await running.ended
        rmSync(directory, { recursive: true })
      },
    }
  }

  const itActivates = itNeeds(missingCommands('systemd-socket-activate'))

  itActivates('replace ours, each at the door of its kind, and are not removed', async () => {
    const port = await freePort()
    await using service = await activated(`127.0.0.1:${port}`, 'DIR/owner.sock')
    const socketPath = join(service.directory, 'owner.sock')
    const first = ask({ socketPath })
    expect(JSON.parse(await service.running.line())).toEqual({
      url: `http://127.0.0.1:${port}`,
      socketPath,
    })
    expect((await first).body).toBe('owner')
    expect((await ask({ host: '127.0.0.1', port })).body).toBe('tcp')
    expect(existsSync(service.fallback)).toBe(false)
    service.running.kill('SIGTERM')
    await service.running.ended
    expect(existsSync(socketPath)).toBe(true)
  })

  itActivates('leave us to open the kind that is not among them', async () => {
    const port = await freePort()
    await using service = await activated(`127.0.0.1:${port}`)
    const first = ask({ host: '127.0.0.1', port })
    expect(JSON.parse(await service.running.line())).toEqual({
      url: `http://127.0.0.1:${port}`,
      socketPath: service.fallback,
    })
    expect((await first).body).toBe('tcp')
    expect((await ask({ socketPath: service.fallback })).body).toBe('owner')
  })

  const itActivatesBoth = itNeeds(noIpv6() ?? missingCommands('systemd-socket-activate'))

  for (const [named, other] of [
    ['127.0.0.1', '::1'],
    ['::1', '127.0.0.1'],
  ] as const) {
    itActivatesBoth(`have ${other} with them although only ${named} is named`, async () => {
      const port = await freePort()
      const address = named === '::1' ? `[::1]:${port}` : `${named}:${port}`
      await using service = await activated(address)
      const first = ask({ host: named, port })
      expect(JSON.parse(await service.running.line())).toMatchObject({ url: `http://${address}` })
      expect((await first).body).toBe('tcp')
      expect((await ask({ host: other, port })).body).toBe('tcp')
      service.running.kill('SIGTERM')
      expect((await service.running.ended).stderr).toContain('of only one loopback family')
    })
  }

  itActivatesBoth('are not enough where another has the other family', async () => {
    const port = await freePort()
    await using _other = await squatter('::1', port)
    await using service = await activated(`127.0.0.1:${port}`)
    ask({ host: '127.0.0.1', port }).catch(() => undefined)
    expect(await service.running.line()).toMatch(`Port ${port} of ::1 is taken`)
  })

  itActivatesBoth('are enough where they are of both families', async () => {
    const port = await freePort()
    await using service = await activated(`127.0.0.1:${port}`, `[::1]:${port}`)
    const first = ask({ host: '::1', port })
    expect(JSON.parse(await service.running.line())).toMatchObject({
      url: `http://127.0.0.1:${port}`,
    })
    expect((await first).body).toBe('tcp')
    service.running.kill('SIGTERM')
    expect((await service.running.ended).stderr).not.toContain('loopback family')
  })

  itActivates('are refused where they are open to other machines', async () => {
    const port = await freePort()
    await using service = await activated(`0.0.0.0:${port}`)
    ask({ host: '127.0.0.1', port }).catch(() => undefined)
    expect(await service.running.line()).toBe(
      'The socket that systemd handed over listens on 0.0.0.0, which is not loopback.',
    )
  })
})

/** A socket file as a daemon that was killed leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.live`)
  await once(server, 'listening')
  renameSync(`${path}.live`, path)
  server.close()
  await once(server, 'close')
}
