/** Authorization headers: only the exact key, shown as a Bearer, makes a caller. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { besieged, type Besieged, statusesIn } from '../attacks/besieged.ts'
import { KEY } from '../http/doors.ts'
import { damagedText, holds, hostileText } from './cases.ts'
import { exchange, latin1 } from './exchange.ts'

let siege: Besieged
beforeAll(async () => {
  siege = await besieged()
})
afterAll(async () => {
  await siege[Symbol.asyncDispose]()
})

const scheme = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('Bearer', 'bearer', 'BEARER', 'bEaReR') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'Basic',
      'Bearer:',
      'Bearer,',
      'Token',
      'Bearer Bearer',
      'Digest username=',
    ),
  },
)
const gap = fc.constantFrom(' ', ' ', ' ', '  ', '\t', '', ' \t', '\u00a0', '=', ', ')
const shown = fc.oneof(
  { weight: 2, arbitrary: fc.constant(KEY) },
  { weight: 3, arbitrary: damagedText(KEY) },
  { weight: 1, arbitrary: fc.nat(KEY.length).map((length) => KEY.slice(0, length)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      `"${KEY}"`,
      `${KEY},`,
      `${KEY}=`,
      `${KEY};`,
      `${KEY} x`,
      `x ${KEY}`,
      `${KEY} ${KEY}`,
      `${KEY}\0`,
      `${KEY}\t`,
      `${KEY}  `,
      KEY.toUpperCase(),
      encodeURIComponent(KEY).replace('_', '%5F'),
      Buffer.from(KEY).toString('base64'),
      `${KEY}, Bearer evtk_wrong`,
    ),
  },
  { weight: 1, arbitrary: hostileText },
)
const value = fc.tuple(scheme, gap, shown).map((parts) => latin1(parts.join('')))
const values = fc.array(value, { maxLength: 3 })
const names = fc.constantFrom('Authorization', 'authorization', 'AUTHORIZATION')

/** By hand, with none of the guard's expression: the scheme in any case, spaces, the key, spaces. */
function isKey(header: string): boolean {
  const [first = '', ...rest] = header.replace(/^[ \t]+|[ \t]+$/g, '').split(' ')
  const words = rest.filter((word) => word !== '')
  return first.toLowerCase() === 'bearer' && words.length === 1 && words[0] === KEY
}

holds(
  'a request that gets a token has shown the exact key, and one that shows it gets one',
  9,
  fc.asyncProperty(values, names, async (headers, name) => {
    // Bytes that end a header are another matter: `owner-socket-bytes.process.test.ts`.
    const clean = headers.map((header) => header.replace(/[\r\n\0]/g, ''))
    const lines = clean.map((header) => `${name}: ${header}\r\n`).join('')
    const request = `GET /v1/apps/evo-me/token HTTP/1.1\r\nHost: localhost:${siege.port}\r\n${lines}Connection: close\r\n\r\n`
    const [status] = statusesIn(await exchange({ port: siege.port }, request))
    // Of several, Node keeps the first.
    const good = clean[0] !== undefined && isKey(clean[0])
    // Control characters are no header at all.
    const malformed = clean.some((header) => /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(header))
    expect(status).toBe(malformed ? 400 : good ? 200 : 401)
  }),
)
