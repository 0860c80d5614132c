/**
 * What any user of this machine can do to the daemon without a key: each kind of abuse is refused or
 * cut off by a limit of ours, and good callers are answered while it goes on. How fast they are
 * answered then is measured by `bench/abuse.ts`.
 */
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  ENDPOINT_CONNECTIONS_MAX,
  SERVER_LIMITS,
  type ServerLimits,
} from '../../src/adapters/loopback/endpoint-server.ts'
import { REDIRECT_LIMITS } from '../../src/adapters/loopback/loopback-ports.ts'
import { createPeerLookup } from '../../src/platform/posix/peer-user.ts'
import { createRedirectListener } from '../../src/adapters/loopback/redirect-listener.ts'
import { KEY } from '../http/doors.ts'
import type { ServedToken } from '../../src/core/status.ts'
import { Secret } from '../../src/secret.ts'
import { recordingLog } from '../support/builders.ts'
import { freePort } from '../support/free-port.ts'
import { besieged, type Besieged, hurried, received, statusesIn, statusOf } from './besieged.ts'

const REFRESH = 'POST /v1/apps/evo-me/refresh'
const TOKEN = 'GET /v1/apps/evo-me/token'
const JSON_TYPE = 'Content-Type: application/json\r\n'

/** Sends a byte now and then, for as long as it is listened to. */
function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('a'), 5)
  socket.once('close', () => {
    clearInterval(timer)
  })
}

async function expectGoodCallers(siege: Besieged): Promise<void> {
  expect(await siege.goodCaller()).toBe(200)
  expect(await siege.goodOwner()).toBe(200)
}

describe('slowness', () => {
  const HURRIED = hurried(SERVER_LIMITS)

  async function expectCutOff(
    limits: ServerLimits,
    begin: (at: Besieged) => string,
  ): Promise<void> {
    await using siege = await besieged({ limits })
    const socket = await siege.connect()
    const bytes = begin(siege)
    if (bytes !== '') {
      socket.write(bytes)
      drip(socket)
    }
    const came = received(socket)
    await expectGoodCallers(siege)
    expect(await came).not.toContain('HTTP/1.1 200')
  }

  it.each([
    ['a connection on which nothing is sent', () => ''],
    ['headers that never end', (at: Besieged) => `${at.head(TOKEN, KEY)}X-Slow: `],
  ])('of %s is cut off in time, and good callers are answered meanwhile', async (_what, begin) => {
    // Else the limit of the whole request would be its limit, too.
    await expectCutOff({ ...HURRIED, requestTimeout: 0 }, begin)
  })

  it.each([
    ['a body', KEY],
    ['the body of a stranger', undefined],
  ])(
    'of %s that never ends is cut off in time, and good callers are answered meanwhile',
    async (_whose, key) => {
      await expectCutOff(
        HURRIED,
        (at) => `${at.head(REFRESH, key)}${JSON_TYPE}Content-Length: 9999\r\n\r\n`,
      )
    },
  )

  it('has limits of seconds, not of minutes', () => {
    expect(SERVER_LIMITS.headersTimeout).toBeLessThanOrEqual(10_000)
    expect(SERVER_LIMITS.requestTimeout).toBeLessThanOrEqual(30_000)
    expect(SERVER_LIMITS.connectionsCheckingInterval).toBeLessThanOrEqual(5_000)
  })
})

describe('5,000 idle connections', () => {
  const MANY = 5_000

  it('cost neither a new caller, nor a kept connection, nor the owner their answers', async () => {
    await using siege = await besieged()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    expect(await siege.goodCaller(agent)).toBe(200)
    const kept = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
    let closed = 0
    for (let opened = 0; opened < MANY; opened += 1) {
      const socket = await siege.connect()
      socket.resume().once('close', () => {
        closed += 1
      })
      if (opened % 1000 === 999) await expectGoodCallers(siege)
    }
    expect(await siege.goodCaller(agent)).toBe(200)
    expect(Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])).toEqual(kept)
    expect(MANY - closed).toBeLessThanOrEqual(ENDPOINT_CONNECTIONS_MAX)
    expect(siege.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    agent.destroy()
  })

  it('do not cut off who waits for an answer or listens to events', async () => {
    let answer: (served: ServedToken) => void = () => undefined
    const served = new Promise<ServedToken>((resolve) => {
      answer = resolve
    })
    await using siege = await besieged({ parts: { broker: { token: () => served } } })
    const events = await siege.connect()
    events.write(`${siege.head('GET /v1/events', KEY)}\r\n`)
    await once(events, 'data')
    const waiting = await siege.connect()
    waiting.write(`${siege.head(TOKEN, KEY)}Connection: close\r\n\r\n`)
    for (let opened = 0; opened < ENDPOINT_CONNECTIONS_MAX + 100; opened += 1) await siege.connect()
    answer({
      accessToken: new Secret('at-1'),
      expiresAt: 0,
      expiresInS: 1,
      scope: null,
      fingerprint: '1f3a9c02',
    })
    expect(statusesIn(await received(waiting))).toEqual([200])
    expect(events.closed).toBe(false)
  })
})

describe('pipelining', () => {
  it('takes each request by its own key', async () => {
    await using siege = await besieged()
    const good = `${siege.head(TOKEN, KEY)}\r\n`
    const bad = `${siege.head(TOKEN, 'evtk_wrong')}Connection: close\r\n\r\n`
    const answers = await siege.send(good + good + bad)
    expect(statusesIn(answers)).toEqual([200, 200, 401])
  })

  it('is no way for a stranger to have thousands of requests looked at in one turn', async () => {
    let looked = 0
    const callers = {
      identify: () => {
        looked += 1
        return undefined
      },
    }
    await using siege = await besieged({ parts: { callers } })
    const bytes = `${siege.head(TOKEN, 'evtk_wrong')}\r\n`.repeat(5_000)
    await siege.send(bytes)
    expect(looked).toBe(1)
  })

  it('of what asks for an upgrade is answered as ever', async () => {
    await using siege = await besieged()
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n'
    const socket = await siege.connect()
    socket.write(siege.head(TOKEN, KEY) + upgrade)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(statusesIn(answer.toString())).toEqual([200])
    socket.write(`${siege.head(TOKEN)}${upgrade}`)
    const [refusal] = (await once(socket, 'data')) as [Buffer]
    expect(statusesIn(refusal.toString())).toEqual([401])
  })
})

describe('size', () => {
  const MEGABYTE = 'a'.repeat(1024 * 1024)

  it.each([
    ['one header', (at: Besieged) => `${at.head(TOKEN, KEY)}X-Large: ${MEGABYTE}\r\n\r\n`],
    ['many headers', (at: Besieged) => `${at.head(TOKEN, KEY)}${'X: y\r\n'.repeat(200_000)}\r\n`],
    ['a path', () => `GET /${MEGABYTE} HTTP/1.1\r\n\r\n`],
  ])('of 1 MB in %s is refused', async (_what, bytes) => {
    await using siege = await besieged()
    const refused = siege.send(bytes(siege))
    await expectGoodCallers(siege)
    // Cut off while it still sends, the sender may see a reset in place of the refusal.
    expect(statusesIn(await refused).filter((status) => status !== 413)).toEqual([])
    expect(siege.asked.filter(([method]) => method === 'token')).toHaveLength(1)
  })

  it('of headers says so to a sender that stops in time', async () => {
    await using siege = await besieged()
    const answer = await siege.send(`${siege.head(TOKEN, KEY)}X-Large: ${'a'.repeat(16 * 1024)}`)
    expect(answer).toContain('urn:evo-token:problem:too_large')
  })

  it('of a body is refused before the body comes, where its length is told', async () => {
    await using siege = await besieged()
    const socket = await siege.connect()
    socket.write(`${siege.head(REFRESH, KEY)}${JSON_TYPE}Content-Length: 10485760\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(statusesIn(answer.toString())).toEqual([413])
  })

  it('of a body in chunks is refused at 16 KiB', async () => {
    await using siege = await besieged()
    const socket = await siege.connect()
    socket.write(`${siege.head(REFRESH, KEY)}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`)
    socket.write(`5000\r\n${'a'.repeat(0x5000)}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(statusesIn(answer.toString())).toEqual([413])
    expect(siege.asked).toEqual([['noteUse', 'local']])
  })

  it.each(['Content-Length: 10485760', 'Transfer-Encoding: chunked'])(
    'of a stranger’s body is not read to its end: %s',
    async (length) => {
      await using siege = await besieged()
      const socket = await siege.connect()
      const came = received(socket)
      const chunk = length.startsWith('T')
        ? `10000\r\n${'a'.repeat(0x10000)}\r\n`
        : 'a'.repeat(0x10000)
      socket.write(`${siege.head(REFRESH)}${JSON_TYPE}${length}\r\n\r\n`)
      let sent = 0
      const pump = () => {
        while (!socket.destroyed && sent < 160 && socket.write(chunk)) sent += 1
      }
      socket.on('drain', pump)
      pump()
      await expectGoodCallers(siege)
      await came
      expect(sent).toBeLessThan(160)
    },
  )
})

describe('a length that is wrong', () => {
  const SMUGGLED = (at: Besieged) => `${at.head(TOKEN, KEY)}Connection: close\r\n\r\n`

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 0'],
    ['a list of lengths', 'Content-Length: 2, 2'],
    ['a sign', 'Content-Length: +2'],
    ['less than nothing', 'Content-Length: -1'],
    ['hexadecimal', 'Content-Length: 0x2'],
    ['more than a number holds', 'Content-Length: 99999999999999999999'],
    ['no number', 'Content-Length: two'],
    ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked'],
    ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 2'],
    ['another coding', 'Transfer-Encoding: gzip'],
    ['chunks before another coding', 'Transfer-Encoding: chunked, identity'],
    ['a coding with a strange name', 'Transfer-Encoding: xchunked'],
    ['chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['a folded line', 'Transfer-Encoding:\r\n chunked'],
    ['a lone line feed', 'X: y\nTransfer-Encoding: chunked'],
    ['a lone carriage return', 'X: y\rTransfer-Encoding: chunked'],
    ['a NUL', 'X: y\0\r\nContent-Length: 2'],
  ])('of %s is refused, and what hides behind it is no request', async (_what, headers) => {
    await using siege = await besieged()
    const answer = await siege.send(
      `${siege.head(REFRESH, KEY)}${JSON_TYPE}${headers}\r\n\r\n0\r\n\r\n${SMUGGLED(siege)}`,
    )
    expect(statusesIn(answer)).toEqual([400])
    expect(answer).toContain('application/problem+json')
    expect(siege.asked.filter(([method]) => method === 'token' || method === 'refresh')).toEqual([])
    await expectGoodCallers(siege)
  })

  it.each([
    ['a size that no number holds', 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'],
    ['a size below nothing', '-2\r\n{}\r\n0\r\n\r\n'],
    ['a size that is none', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['more than its size', '1\r\n{}\r\n0\r\n\r\n'],
    ['a lone line feed', '2\n{}\n0\n\n'],
    ['an endless extension', `2;${'a'.repeat(1024 * 1024)}\r\n{}\r\n0\r\n\r\n`],
    ['endless trailers', `2\r\n{}\r\n0\r\n${'X: y\r\n'.repeat(50_000)}\r\n`],
  ])('of a chunk with %s is refused', async (_what, body) => {
    await using siege = await besieged()
    const answer = await siege.send(
      `${siege.head(REFRESH, KEY)}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n${body}${SMUGGLED(siege)}`,
    )
    expect(statusesIn(answer).filter((status) => status !== 400 && status !== 413)).toEqual([])
    expect(siege.asked.filter(([method]) => method === 'token' || method === 'refresh')).toEqual([])
    await expectGoodCallers(siege)
  })

  it('that is too large ends with the connection, and too small is not read past', async () => {
    await using siege = await besieged()
    const short = await siege.connect()
    short.end(`${siege.head(REFRESH, KEY)}${JSON_TYPE}Content-Length: 50\r\n\r\n{}`)
    expect(await received(short)).not.toContain('HTTP/1.1 200')
    const long = await siege.send(
      `${siege.head(REFRESH, KEY)}${JSON_TYPE}Content-Length: 2\r\n\r\n{}{}\r\n\r\n`,
    )
    expect(statusesIn(long).at(-1)).toBe(400)
  })
})

describe('a header behind two thousand others', () => {
  it('is seen by the guards all the same', async () => {
    await using siege = await besieged()
    const filler = 'a:b\r\n'.repeat(2_100)
    const answer = await siege.send(
      `${siege.head(TOKEN, KEY)}${filler}Origin: https://evil.example\r\nConnection: close\r\n\r\n`,
    )
    expect(statusesIn(answer)).toEqual([403])
  })
})

describe('bad keys by the thousand', () => {
  it('leave ten lines in the log in a second, and good callers their answers', async () => {
    await using siege = await besieged()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const socket = await siege.connect()
    for (let tried = 0; tried < 3_000; tried += 1) {
      socket.write(`${siege.head(TOKEN, `evtk_${tried}`)}\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      if (tried % 500 === 0) {
        expect(statusesIn(answer.toString())).toEqual([401])
        expect(await siege.goodCaller(agent)).toBe(200)
      }
    }
    const warnings = siege.log.lines.filter(({ level }) => level === 'warn')
    expect(warnings).toHaveLength(10)
    agent.destroy()
  })
})

describe('the redirect listener', () => {
  const SIGNED_IN = { ok: true, title: 'Signed in', text: 'Done.' }

  async function awaitedCallback(onCallback = async () => SIGNED_IN, peerOf = createPeerLookup()) {
    const port = await freePort()
    const listener = createRedirectListener({
      log: recordingLog(),
      uid: process.getuid?.() ?? 0,
      peerOf,
      usersOfPort: async () => [],
      limits: hurried(REDIRECT_LIMITS),
    })
    const redirectUri = `http://127.0.0.1:${port}/signin-callback`
    const listening = await listener.listen({
      redirectUri,
      state: 'the-state',
      authorizationUrl: 'https://issuer.example/authorize',
      onCallback,
      onSecondVisit: () => undefined,
    })
    if (listening.kind !== 'listening') throw new Error(listening.kind)
    return { port, callback: `${redirectUri}?state=the-state&code=c`, lease: listening.lease }
  }

  async function holdSilent(port: number): Promise<void> {
    for (let opened = 0; opened < 300; opened += 1) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
    }
  }

  it('answers the browser while an attacker holds hundreds of silent connections to it', async () => {
    const { port, callback, lease } = await awaitedCallback()
    await holdSilent(port)
    expect(await statusOf(callback)).toBe(200)
    lease.close()
  })

  it('looks at one of thousands of requests that come in one go', async () => {
    let looked = 0
    const peerOf = createPeerLookup()
    const { port, callback, lease } = await awaitedCallback(undefined, (socket) => {
      looked += 1
      return peerOf(socket)
    })
    const socket = connect(port, '127.0.0.1')
    const path = callback.slice(callback.indexOf('/signin'))
    const requests = Array.from(
      { length: 1_000 },
      (_, at) => `GET ${path}${at} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    )
    socket.on('error', () => undefined)
    socket.end(requests.join(''))
    await received(socket)
    expect(looked).toBe(1)
    lease.close()
  })

  it('does not cut off the browser whose sign-in is being completed', async () => {
    let complete: (page: typeof SIGNED_IN) => void = () => undefined
    const page = new Promise<typeof SIGNED_IN>((resolve) => {
      complete = resolve
    })
    let begun: () => void = () => undefined
    const judging = new Promise<void>((resolve) => {
      begun = resolve
    })
    const { port, callback, lease } = await awaitedCallback(() => {
      begun()
      return page
    })
    const status = statusOf(callback)
    await judging
    await holdSilent(port)
    complete(SIGNED_IN)
    expect(await status).toBe(200)
    lease.close()
  })

  it.each([
    ['nothing', ''],
    ['half of a header', 'GET / HTTP/1.1\r\nX-Slow: '],
  ])('cuts off who has sent %s and is slow, and answers the browser', async (_what, bytes) => {
    const { port, callback, lease } = await awaitedCallback()
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    if (bytes !== '') {
      socket.write(bytes)
      drip(socket)
    }
    expect(await statusOf(callback)).toBe(200)
    expect(await received(socket)).not.toContain('HTTP/1.1 200')
    lease.close()
  })
})
