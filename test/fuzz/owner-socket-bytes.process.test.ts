/** Bytes on the owner's socket that are a request by half, twice, or not at all. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { besieged, type Besieged, statusesIn } from '../attacks/besieged.ts'
import { damagedText, holds, hostileText } from './cases.ts'
import { exchange } from './exchange.ts'

let siege: Besieged
beforeAll(async () => {
  siege = await besieged()
})
afterAll(async () => {
  await siege[Symbol.asyncDispose]()
})

const HEAD = 'Host: localhost\r\n'
const WHOLE = [
  `GET /v1/apps HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /healthz HTTP/1.0\r\n${HEAD}\r\n`,
  `POST /v1/apps/evo-me/refresh HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  `PUT /v1/apps/evo-me/client-secret HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{"client_secret":"s"\r\n1\r\n}\r\n0\r\n\r\n`,
  `POST /v1/guard HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n`,
]
const ODD = [
  'GET /v1/apps\r\n',
  'GET /v1/apps HTTP/0.9\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'FFFFFFFFFFFFFFFF\r\n',
  `GET / HTTP/1.1\r\n${HEAD}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  `CONNECT localhost:443 HTTP/1.1\r\n${HEAD}\r\n`,
  '\r\n\r\n\r\n',
  '\0'.repeat(100),
  `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(4_000)}\r\n`,
]
const text = fc.oneof(
  fc.constantFrom(...WHOLE),
  fc.constantFrom(...WHOLE).chain(damagedText),
  fc.constantFrom(...WHOLE).chain((whole) => fc.nat(whole.length).map((at) => whole.slice(0, at))),
  fc.constantFrom(...ODD),
  hostileText,
)
const piece = fc.oneof(
  { weight: 6, arbitrary: text.map((some) => Buffer.from(some, 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some)) },
)
const pieces = fc.array(piece, { minLength: 1, maxLength: 6 })

holds(
  'no bytes end the server, make it hang, or meet a bug, and a good request is answered after them',
  8,
  fc.asyncProperty(pieces, async (bytes) => {
    const answer = await exchange({ path: siege.socketPath }, bytes)
    expect(statusesIn(answer).filter((status) => status >= 500)).toEqual([])
    expect(answer).not.toMatch(/text\/html|\\n {4}at /)
    expect(await siege.goodOwner()).toBe(200)
    expect(siege.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  }),
)
