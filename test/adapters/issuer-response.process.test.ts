/** Answers that broken servers, and proxies that rewrite, make of HTTP: what arrives of the tokens is kept. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import { connect, scriptedApp, spending } from '../support/issuer.ts'

const GOOD = JSON.stringify({
  access_token: 'at-2',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'rt-2',
})

interface Answered {
  readonly outcome: GrantOutcome
  readonly request: string
}

/** The outcome of a refresh that is answered with these bytes, in one piece, before the connection ends. */
async function answeredWith(...bytes: readonly (string | Buffer)[]): Promise<Answered> {
  let request = ''
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (data: Buffer) => {
      request = data.toString()
      socket.end(Buffer.concat(bytes.map((one) => Buffer.from(one))))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const app = scriptedApp(`http://127.0.0.1:${port}`)
  const outcome = await connect(app).refresh(new Secret('rt-1'), spending())
  server.close()
  return { outcome, request }
}

function head(length: number, ...lines: readonly string[]): string {
  const all = ['HTTP/1.1 200 OK', 'content-type: application/json', `content-length: ${length}`]
  return [...all, ...lines, '', ''].join('\r\n')
}

function expectGranted({ outcome }: Answered): void {
  expect(outcome).toMatchObject({ kind: 'granted' })
  const { accessToken, refreshToken } = outcome.kind === 'granted' ? outcome.grant : {}
  expect([accessToken?.expose(), refreshToken?.expose()]).toEqual(['at-2', 'rt-2'])
}

describe('an answer is read', () => {
  it.each([
    { of: 'one header of 20 KB', lines: [`set-cookie: x=${'y'.repeat(20_000)}`] },
    {
      of: 'a hundred cookies',
      lines: Array.from({ length: 100 }, (_, n) => `set-cookie: x${n}=${'y'.repeat(1000)}`),
    },
    { of: 'thousands of headers', lines: Array.from({ length: 3000 }, (_, n) => `x-${n}: y`) },
  ])('behind a head that is long: $of', async ({ lines }) => {
    expectGranted(await answeredWith(head(GOOD.length, ...lines), GOOD))
  })

  const CHUNKED = `${GOOD.length.toString(16)}\r\n${GOOD}\r\n0\r\n\r\n`
  it.each([
    { odd: 'a length twice', lines: [`Content-Length: ${GOOD.length}`] },
    {
      odd: 'a length twice in one line',
      lines: [`content-length: ${GOOD.length}, ${GOOD.length}`],
    },
    { odd: 'lengths that differ', lines: ['content-length: 7'] },
    { odd: 'a length that is none', lines: ['content-length: none'] },
    { odd: 'a length and chunks', lines: ['Transfer-Encoding: Chunked'], body: CHUNKED },
    { odd: 'a coding that is none', lines: ['transfer-encoding: identity'] },
    { odd: 'a blank before a colon', lines: ['x-odd : y'] },
    { odd: 'a name that is none', lines: ['x(odd): y'] },
    { odd: 'a control character', lines: ['x-odd: \u0001'] },
    { odd: 'a line of words', lines: ['Sorry for that.'] },
    { odd: 'a folded line', lines: ['x-odd: y', ' z'] },
  ])('behind a head that is not as it should be: $odd', async ({ lines, body = GOOD }) => {
    expectGranted(await answeredWith(head(GOOD.length, ...lines), body))
  })

  it('behind a head whose lines end as on Unix', async () => {
    expectGranted(await answeredWith(head(GOOD.length).replaceAll('\r\n', '\n'), GOOD))
  })

  it('with the headers that it has, however they are written', async () => {
    const { outcome } = await answeredWith(
      'HTTP/1.1 429 Wait\nRetry-After : 7\nx(y): z\ncontent-length: 0\n\n',
    )
    expect(outcome).toMatchObject({ kind: 'unavailable', retryAfterMs: 7_000 })
  })

  it.each(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'a, b, c, d, e, f'])(
    'that is plain, and says that it is encoded: %s',
    async (encoding) => {
      expectGranted(await answeredWith(head(GOOD.length, `content-encoding: ${encoding}`), GOOD))
    },
  )

  it.each([
    { says: ['content-encoding: gzip'], body: gzipSync(GOOD) },
    { says: ['content-encoding: GZIP'], body: gzipSync(GOOD).subarray(0, -8) },
    { says: [], body: gzipSync(GOOD) },
    { says: ['content-encoding: deflate'], body: deflateSync(GOOD) },
    { says: ['content-encoding: br'], body: brotliCompressSync(GOOD) },
  ])('that is encoded, though it was asked not to be: $says', async ({ says, body }) => {
    const answered = await answeredWith(head(body.length, ...says), body)
    expectGranted(answered)
    expect(answered.request).toMatch(/^accept-encoding: identity\r$/m)
  })

  it.each([
    { which: 'is shorter than it says', bytes: head(GOOD.length + 5) + GOOD },
    {
      which: 'lacks the end of its chunks',
      bytes: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${GOOD.length.toString(16)}\r\n${GOOD}\r\n`,
    },
    {
      which: 'is no HTTP behind its chunk',
      bytes: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${GOOD.length.toString(16)}\r\n${GOOD}\r\nno chunk\r\n`,
    },
    {
      which: 'is no HTTP behind its end',
      bytes: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${GOOD.length.toString(16)}\r\n${GOOD}\r\n0\r\n\u0000: \r\n\r\n`,
    },
  ])('to its last brace, where the rest of it $which', async ({ bytes }) => {
    expectGranted(await answeredWith(bytes))
  })

  it('for its refresh token, where it ends before its last brace', async () => {
    const { outcome } = await answeredWith(head(GOOD.length - 1), GOOD)
    expect(outcome).toMatchObject({
      kind: 'salvaged',
      failure: {
        message: expect.stringMatching(
          /^127\.0\.0\.1:\d+ answered with a refresh token, but with text that is no complete JSON\.$/,
        ) as string,
      },
    })
  })

  it('as no decision, where a refusal breaks off', async () => {
    const refusal = '{"error":"invalid_grant"}'
    const { outcome } = await answeredWith(
      head(refusal.length + 5).replace('200 OK', '400 Bad Request'),
      refusal,
    )
    expect(outcome).toMatchObject({ kind: 'unavailable', answerLost: true })
  })
})
