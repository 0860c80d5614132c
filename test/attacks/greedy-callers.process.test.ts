/** What callers with a good key can do to others: streams and waiting requests without number, and thousands at once. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { NetConnectOpts, Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ServedToken } from '../../src/core/status.ts'
import { KEY, LIMITED_KEY, SERVED } from '../http/doors.ts'
import { createHome, startDaemonProcess } from '../support/daemon-process.ts'
import { until } from '../support/until.ts'
import { answerTo } from './answer-to.ts'
import { besieged, type Besieged, received, statusesIn } from './besieged.ts'

const EVENTS = 'GET /v1/events'
const TOKEN = 'GET /v1/apps/evo-me/token'
const STATUS = 'GET /v1/apps/evo-me'

/** A siege in whose first renewal all callers wait, until `answer` is called. */
async function renewing(connectionsMax: number) {
  let answer: () => void = () => undefined
  const served = new Promise<ServedToken>((resolve) => {
    answer = () => {
      resolve(SERVED)
    }
  })
  const siege = await besieged({ connectionsMax, parts: { broker: { token: () => served } } })
  return { siege, answer }
}

describe('event streams of one caller', () => {
  it('end with the oldest beyond 32, which is told so, and no other caller loses one', async () => {
    await using siege = await besieged()
    const other = await siege.connect()
    other.write(`${siege.head(EVENTS, LIMITED_KEY)}\r\n`)
    await once(other, 'data')
    const first = await siege.connect()
    const toldFirst = received(first)
    first.write(`${siege.head(EVENTS, KEY)}Connection: close\r\n\r\n`)
    const rest: Socket[] = []
    for (let opened = 0; opened < 600; opened += 1) {
      const socket = await siege.connect()
      socket.write(`${siege.head(EVENTS, KEY)}Connection: close\r\n\r\n`)
      await once(socket, 'data')
      rest.push(socket.resume())
    }
    await until(
      'all streams but 32 have ended',
      () => rest.filter(({ readableEnded }) => readableEnded).length >= 568,
    )
    expect(await toldFirst).toContain(
      'event: close\ndata: {"reason":"too_many_streams","max":32}\n\n',
    )
    expect(rest.filter(({ readableEnded }) => !readableEnded)).toHaveLength(32)
    expect(other.readableEnded).toBe(false)
    expect(await siege.goodCaller()).toBe(200)
  })
})

describe('requests that wait for a renewal', () => {
  it('are all answered, 2,000 of one key', async () => {
    const { siege, answer } = await renewing(4096)
    await using _siege = siege
    const sockets = await Promise.all(Array.from({ length: 2_000 }, () => siege.connect()))
    const came = sockets.map((socket) => received(socket))
    for (const socket of sockets) {
      socket.write(`${siege.head(TOKEN, KEY)}Connection: close\r\n\r\n`)
    }
    await until('all have asked', () => siege.asked.length === 2_000)
    answer()
    const answers = await Promise.all(came)
    expect(answers.filter((text) => statusesIn(text)[0] !== 200)).toEqual([])
  })

  it('leave room for one that can be answered at once', async () => {
    const { siege, answer } = await renewing(40)
    await using _siege = siege
    for (let asked = 0; asked < 100; asked += 1) await askLater(siege)
    for (let asked = 0; asked < 50; asked += 1) {
      const request = `${siege.head(STATUS, LIMITED_KEY)}Connection: close\r\n\r\n`
      expect(statusesIn(await siege.send(request))).toEqual([200])
    }
    answer()
  })

  it('are refused where the room is full, to the caller that has most of them', async () => {
    const { siege, answer } = await renewing(40)
    await using _siege = siege
    const few = [await askLater(siege, LIMITED_KEY), await askLater(siege, LIMITED_KEY)]
    const many = []
    for (let asked = 0; asked < 60; asked += 1) many.push(await askLater(siege))
    const late = await askLater(siege, LIMITED_KEY)
    answer()
    for (const one of [...few, late]) expect(statusesIn(await one())).toEqual([200])
    const statuses = await Promise.all(many.map(async (one) => statusesIn(await one())[0]))
    expect(statuses.filter((status) => status === 200)).toHaveLength(27)
    expect(statuses.filter((status) => status === 503)).toHaveLength(33)
    expect(siege.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('are refused with words, and a time to come again', async () => {
    const { siege, answer } = await renewing(4)
    await using _siege = siege
    for (let asked = 0; asked < 3; asked += 1) await askLater(siege)
    const refused = await (await askLater(siege))()
    answer()
    expect(refused).toMatch(/^HTTP\/1\.1 503 /)
    expect(refused).toMatch(/Retry-After: \d/)
    expect(refused).toContain('"error":"unavailable"')
  })
})

/** Sends a request that waits, and resolves when the daemon has read it; the function awaits its answer. */
async function askLater(siege: Besieged, key = KEY): Promise<() => Promise<string>> {
  const asked = siege.asked.length
  const socket = await siege.connect()
  const came = received(socket)
  socket.write(`${siege.head(TOKEN, key)}Connection: close\r\n\r\n`)
  await until('the request is read', () => siege.asked.length > asked)
  return () => came
}

describe('2,000 programs that connect at the same instant', () => {
  it('are all answered, on TCP and on the owner socket', async () => {
    await using home = await createHome({
      apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
      issuer: 'http://127.0.0.1:1',
      listen: { port: 0 },
    })
    await using daemon = await startDaemonProcess(home)
    const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
    const { port, host } = new URL(daemon.url)
    const doors: [NetConnectOpts, string][] = [
      [{ port: Number(port), host: '127.0.0.1' }, `Host: ${host}\r\nAuthorization: Bearer ${key}`],
      [{ path: daemon.socket }, 'Host: localhost'],
    ]
    for (const [to, head] of doors) {
      const answers = await Promise.all(
        Array.from({ length: 2_000 }, () =>
          answerTo(to, `GET /v1/apps HTTP/1.0\r\n${head}\r\n\r\n`),
        ),
      )
      const counts = new Map<string, number>()
      for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
      expect([...counts]).toEqual([['HTTP/1.1 200', 2_000]])
    }
  }, 240_000)
})

describe('a caller that keeps connections on which nothing is asked', () => {
  it('loses the oldest of them to newcomers whose request is not read yet', async () => {
    await using siege = await besieged({ connectionsMax: 100 })
    const kept: Socket[] = []
    for (let open = 0; open < 90; open += 1) {
      const socket = await siege.connect()
      socket.write(`${siege.head(STATUS, KEY)}\r\n`)
      await once(socket, 'data')
      kept.push(socket.resume())
    }
    const newcomers = await Promise.all(Array.from({ length: 60 }, () => siege.connect()))
    const came = newcomers.map((socket) => received(socket))
    await until(
      'room is made for all of them',
      () => [...kept, ...newcomers].filter(({ closed }) => closed).length === 50,
    )
    for (const socket of newcomers) {
      socket.write(`${siege.head(STATUS, LIMITED_KEY)}Connection: close\r\n\r\n`)
    }
    const statuses = (await Promise.all(came)).map((text) => statusesIn(text)[0])
    expect(statuses.filter((status) => status !== 200)).toEqual([])
  })
})

describe('a caller that sends thousands of requests on a connection and reads no answer', () => {
  it('gets the first of them answered at most, and the connection ends', async () => {
    await using siege = await besieged()
    const request = `${siege.head('GET /v1/apps', KEY)}\r\n`
    const answers = await siege.send(request.repeat(2000))
    const statuses = statusesIn(answers)
    // The kernel may drop answers on the way, when a connection ends with requests that were not read.
    expect(statuses.length).toBeLessThanOrEqual(8)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await siege.goodCaller()).toBe(200)
  })
})
