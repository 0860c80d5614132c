/** How long a request may take, and the question that is asked before its first byte leaves. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIssuerFetch } from '../../src/adapters/server/issuer-fetch.ts'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import { createHandClock, type HandClock } from '../faults/hand-clock.ts'
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts'
import { connect, type ConnectedServer, scriptedApp } from '../support/issuer.ts'
import { startSocksProxy } from '../support/socks-proxy.ts'
import { until } from '../support/until.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const GOOD = { access_token: 'at-2', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt-2' }

let clock: HandClock
beforeEach(() => {
  clock = createHandClock()
})

function connectTo(url: string, type: 'native' | 'service' = 'native'): ConnectedServer {
  const service = { type, tokenEndpointAuthMethod: 'client_secret_post' } as const
  return connect(scriptedApp(url, type === 'service' ? service : {}), {
    clock,
    startTimeLimit: clock.startTimeLimit,
  })
}

function refreshOn(server: ConnectedServer): Promise<GrantOutcome> {
  return server.refresh(new Secret('rt-1'), { clientSecret: undefined })
}

describe('an answer', () => {
  let scripted: FaultyServer
  let release: () => void = () => undefined
  beforeEach(async () => {
    scripted = await startFaultyServer(async (_request, response) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(GOOD))
    })
  })
  afterEach(() => scripted.close())

  it.each([34 * SECOND, 4 * MINUTE, 5 * MINUTE - 1])(
    'that spends a token is waited for: %i ms',
    async (ms) => {
      const refreshed = refreshOn(connectTo(scripted.url))
      await until('the request has come', () => scripted.seen.length === 1)
      clock.pass(ms)
      release()
      expect(await refreshed).toMatchObject({ kind: 'granted' })
    },
  )

  it('that spends a token is given up after five minutes, and may have been lost', async () => {
    const refreshed = refreshOn(connectTo(scripted.url))
    await until('the request has come', () => scripted.seen.length === 1)
    clock.pass(5 * MINUTE)
    expect(await refreshed).toMatchObject({
      kind: 'unavailable',
      answerLost: true,
      failure: { message: expect.stringContaining('did not answer in time') as string },
    })
  })

  it('that spends nothing is given up after 30 seconds', async () => {
    const issued = connectTo(scripted.url, 'service').issue(new Secret('the-client-secret'))
    await until('the request has come', () => scripted.seen.length === 1)
    clock.pass(30 * SECOND - 1)
    const early = await Promise.race([issued, Promise.resolve('still waiting')])
    expect(early).toBe('still waiting')
    clock.pass(1)
    expect(await issued).toMatchObject({ kind: 'unavailable' })
  })

  it('has its own time, however long it took to connect', async () => {
    const server = connectTo(scripted.url)
    const prepared = await server.prepareRefresh(new Secret('rt-1'), undefined)
    if (prepared.kind !== 'ready') throw new Error(prepared.kind)
    const refreshed = prepared.send(async () => {
      clock.pass(10 * MINUTE)
      return undefined
    })
    await until('the request has come', () => scripted.seen.length === 1)
    clock.pass(4 * MINUTE)
    release()
    expect(await refreshed).toMatchObject({ kind: 'granted' })
  })
})

describe('a connection', () => {
  /** Takes connections and never says a word: no TLS handshake comes to an end. */
  async function startSilentServer() {
    const sockets: Socket[] = []
    const received: Buffer[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (data: Buffer) => received.push(data)).on('error', () => undefined)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return {
      port,
      sockets,
      received,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, 'close')
      },
    }
  }

  it('that does not come about is given up after 30 seconds, and nothing was lost', async () => {
    await using silent = await startSilentServer()
    const refreshed = refreshOn(connectTo(`https://127.0.0.1:${silent.port}`))
    await until('the first bytes have come', () => silent.received.length > 0)
    clock.pass(30 * SECOND - 1)
    expect(await Promise.race([refreshed, Promise.resolve('still waiting')])).toBe('still waiting')
    clock.pass(1)
    expect(await refreshed).toMatchObject({ kind: 'unavailable', answerLost: false })
    // Nothing goes on in the background.
    await until('every connection is closed', () => silent.sockets.every(({ closed }) => closed))
  })

  it('through a SOCKS proxy is given up as soon, and nothing was lost', async () => {
    await using silent = await startSilentServer()
    await using proxy = await startSocksProxy(silent.port)
    const { fetch } = createIssuerFetch({
      env: { HTTPS_PROXY: `socks5://127.0.0.1:${proxy.port}` },
    })
    const refreshed = refreshOn(
      connect(scriptedApp('https://issuer.test'), {
        clock,
        startTimeLimit: clock.startTimeLimit,
        fetch,
      }),
    )
    await until('the first bytes have come', () => silent.received.length > 0)
    clock.pass(30 * SECOND - 1)
    expect(await Promise.race([refreshed, Promise.resolve('still waiting')])).toBe('still waiting')
    clock.pass(1)
    expect(await refreshed).toMatchObject({ kind: 'unavailable', answerLost: false })
    await until('every connection is closed', () => silent.sockets.every(({ closed }) => closed))
  })

  it('stands when the last question is asked, and nothing has been said on it', async () => {
    await using silent = await startSilentServer()
    const prepared = await connectTo(`http://127.0.0.1:${silent.port}`).prepareRefresh(
      new Secret('rt-1'),
      undefined,
    )
    if (prepared.kind !== 'ready') throw new Error(prepared.kind)
    let asked = 0
    const outcome = await prepared.send(async () => {
      asked += 1
      await until('the connection stands', () => silent.sockets.length === 1)
      return { code: 'not_home', message: 'Another host has this session.' }
    })
    expect(outcome).toEqual({
      kind: 'unavailable',
      answerLost: false,
      failure: { code: 'not_home', message: 'Another host has this session.' },
    })
    await until('every connection is closed', () => silent.sockets.every(({ closed }) => closed))
    expect({ asked, said: Buffer.concat(silent.received).length }).toEqual({ asked: 1, said: 0 })
  })

  it('carries the request in the turn of the event loop in which the question is answered', async () => {
    await using silent = await startSilentServer()
    const prepared = await connectTo(`http://127.0.0.1:${silent.port}`).prepareRefresh(
      new Secret('rt-1'),
      undefined,
    )
    if (prepared.kind !== 'ready') throw new Error(prepared.kind)
    const order: string[] = []
    const onSend = () => order.push('written')
    subscribe('undici:client:sendHeaders', onSend)
    const refreshed = prepared.send(async () => {
      setImmediate(() => order.push('the next turn'))
      return undefined
    })
    await until(
      'both have happened',
      () => order,
      ({ length }) => length === 2,
    )
    unsubscribe('undici:client:sendHeaders', onSend)
    expect(order).toEqual(['written', 'the next turn'])
    clock.pass(5 * MINUTE)
    await refreshed
  })
})
