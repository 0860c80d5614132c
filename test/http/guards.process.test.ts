import { duplexPair } from 'node:stream'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { createTcpDoor, OWNER_DOOR } from '../../src/http/door.ts'
import { KEY, LIMITED_KEY, openDoors, recordedDeps } from './doors.ts'

const TOKEN = '/v1/apps/evo-me/token'

/** A request to the token, as its lines, that every guard lets through until a line is added or changed. */
function lines(port: number, ...more: string[]): string {
  return [
    `GET ${TOKEN} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${KEY}`,
    'Connection: close',
    ...more,
    '',
    '',
  ].join('\r\n')
}

function statusOf(answer: string): number {
  return Number(answer.split(' ')[1])
}

/** An answer over a connection that says to come from `remoteAddress`. */
async function answerTo(
  door: 'tcp' | 'owner',
  remoteAddress: string | undefined,
  bytes: string,
  localPort = 13860,
): Promise<string> {
  const [client, connection] = duplexPair()
  const { deps } = recordedDeps()
  const at = door === 'tcp' ? createTcpDoor(deps) : OWNER_DOOR
  const server = createServer(createApp(deps, at))
  server.emit('connection', Object.assign(connection, { remoteAddress, localPort }))
  client.write(bytes)
  let answer = ''
  for await (const chunk of client) answer += String(chunk)
  return answer
}

describe('the guard of the peer', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('lets %s in', async (address) => {
    expect(statusOf(await answerTo('tcp', address, lines(13860)))).toBe(200)
  })

  it.each(['192.0.2.7', '10.127.0.1', '::ffff:192.0.2.7', 'fe80::1', undefined])(
    'refuses %s on TCP with everything else in order',
    async (address) => {
      const answer = await answerTo('tcp', address, lines(13860))
      expect(statusOf(answer)).toBe(403)
      expect(answer).toContain('urn:evo-token:problem:forbidden')
    },
  )

  it('refuses a connection with an address on the owner door', async () => {
    const bytes = `GET /v1/apps HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
    expect(statusOf(await answerTo('owner', undefined, bytes))).toBe(200)
    expect(statusOf(await answerTo('owner', '127.0.0.1', bytes))).toBe(403)
  })
})

describe('the guard of the Host', () => {
  it.each(['localhost', 'LocalHost', '127.0.0.1', '[::1]', '127.0.0.9'])(
    'lets %s in with our port',
    async (host) => {
      await using doors = await openDoors({ host: '127.0.0.9' })
      await doors.tcp(KEY).get(TOKEN).set('Host', `${host}:${doors.port}`).expect(200)
    },
  )

  it('knows an IPv6 listen.host by its name in brackets', async () => {
    await using doors = await openDoors({ host: '::1' })
    await doors.tcp(KEY).get(TOKEN).set('Host', `[::1]:${doors.port}`).expect(200)
    await doors.tcp(KEY).get(TOKEN).set('Host', `::1:${doors.port}`).expect(421)
  })

  it.each([
    ['another name', (port: number) => `evil.example:${port}`],
    ['another address', (port: number) => `127.0.0.2:${port}`],
    ['a name that only begins like ours', (port: number) => `localhost.evil.example:${port}`],
    ['another port', (port: number) => `localhost:${port + 1}`],
    ['no port', () => 'localhost'],
    ['our port with a zero before it', (port: number) => `localhost:0${port}`],
    ['a dot at its end', (port: number) => `localhost.:${port}`],
    ['a user before it', (port: number) => `localhost@localhost:${port}`],
    ['nothing in it', () => ''],
  ])('refuses a Host with %s, whatever else is in order', async (_what, host) => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get(TOKEN).set('Host', host(doors.port)).expect(421)
    expect(answer.body).toMatchObject({ error: 'wrong_host' })
  })

  it('refuses a request without Host, and one with two', async () => {
    await using doors = await openDoors()
    const good = lines(doors.port)
    expect(statusOf(await doors.raw(good))).toBe(200)
    expect(statusOf(await doors.raw(good.replace(/Host: .*\r\n/, '')))).toBe(421)
    expect(statusOf(await doors.raw(lines(doors.port, `HOST: 127.0.0.1:${doors.port}`)))).toBe(421)
    expect(statusOf(await doors.raw(lines(doors.port, 'host: evil.example')))).toBe(421)
  })

  it('holds the authority of an absolute target to the same names', async () => {
    await using doors = await openDoors()
    const to = (authority: string) =>
      doors.raw(lines(doors.port).replace(TOKEN, `http://${authority}${TOKEN}`))
    expect(statusOf(await to(`localhost:${doors.port}`))).toBe(200)
    expect(statusOf(await to('evil.example'))).toBe(421)
    expect(statusOf(await to(`evil.example@localhost:${doors.port}`))).toBe(421)
    expect(statusOf(await to('['))).toBe(421)
  })

  it('lets the port out where it is the one of http', async () => {
    const bytes = lines(80).replace('127.0.0.1:80', '127.0.0.1')
    expect(statusOf(await answerTo('tcp', '127.0.0.1', bytes, 80))).toBe(200)
  })

  it('knows no name but localhost on the socket', async () => {
    await using doors = await openDoors()
    await doors.owner().get('/v1/apps').expect(200)
    await doors.owner().get('/v1/apps').set('Host', '127.0.0.1').expect(421)
    await doors.owner().get('/v1/apps').set('Host', `localhost:${doors.port}`).expect(421)
    await doors.owner().get('/v1/apps').set('Host', 'evil.example').expect(421)
  })
})

describe('the guard against pages and proxies', () => {
  it.each([
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
    ['Origin', ''],
    ['Referer', 'http://localhost:3000/'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Host', 'localhost'],
    ['x-forwarded-anything', '1'],
    ['Forwarded', 'for=127.0.0.1'],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'none, cross-site'],
    ['Sec-Fetch-Site', ''],
  ])('refuses %s: %j on both doors, with everything else in order', async (name, value) => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get(TOKEN).set(name, value).expect(403)
    expect(answer.body).toMatchObject({ error: 'forbidden' })
    await doors.owner().get(TOKEN).set(name, value).expect(403)
  })

  it('lets in what Node sends, and a person who typed the address', async () => {
    await using doors = await openDoors()
    await doors.tcp(KEY).get(TOKEN).set('Sec-Fetch-Mode', 'cors').expect(200)
    await doors.tcp(KEY).get(TOKEN).set('Sec-Fetch-Site', 'none').expect(200)
    const answer = await fetch(`http://127.0.0.1:${doors.port}${TOKEN}`, {
      headers: { Authorization: `Bearer ${KEY}` },
    })
    expect(answer.status).toBe(200)
  })
})

describe('the guard of the key', () => {
  it.each(['Bearer', 'bearer', 'BEARER', 'Bearer  '])('takes the scheme "%s"', async (scheme) => {
    await using doors = await openDoors()
    await doors.tcp().get(TOKEN).set('Authorization', `${scheme} ${KEY}`).expect(200)
  })

  it.each([
    ['no key', undefined],
    ['a key of no caller', `Bearer ${KEY.slice(0, -1)}b`],
    ['a key with something after it', `Bearer ${KEY} x`],
    ['a part of a key', `Bearer ${KEY.slice(0, 20)}`],
    ['another scheme', `Basic ${Buffer.from(`:${KEY}`).toString('base64')}`],
    ['the key without a scheme', KEY],
    ['an empty key', 'Bearer '],
    ['the SHA-256 of the key', 'Bearer 00'],
  ])('refuses %s', async (_what, authorization) => {
    await using doors = await openDoors()
    const asking = doors.tcp().get(TOKEN)
    if (authorization !== undefined) asking.set('Authorization', authorization)
    const answer = await asking.expect(401)
    expect(answer.body).toMatchObject({
      error: 'invalid_key',
      type: 'urn:evo-token:problem:invalid_key',
    })
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(doors.asked).toEqual([])
  })

  it('is asked on TCP for every path but /healthz, known or not', async () => {
    await using doors = await openDoors()
    for (const path of ['/readyz', '/v1/apps', '/nowhere', '/', '/healthz/', '/%68ealthz']) {
      await doors.tcp().get(path).expect(401)
    }
    await doors.tcp().get('/healthz').expect(200)
    await doors.tcp().delete('/v1/apps').expect(401)
  })

  it('notes who has shown a key', async () => {
    await using doors = await openDoors()
    await doors.tcp(LIMITED_KEY).get('/v1/apps').expect(200)
    expect(doors.asked).toEqual([['noteUse', 'notebook']])
  })

  it('is not asked on the owner socket', async () => {
    await using doors = await openDoors()
    await doors.owner().get(TOKEN).expect(200)
    await doors.owner().get(TOKEN).set('Authorization', 'Bearer nonsense').expect(200)
  })
})

describe('the order of the guards', () => {
  it('puts Host before pages, pages before the key, the key before the path', async () => {
    await using doors = await openDoors()
    const { port } = doors
    const page = 'Origin: https://evil.example'
    const ask = (path: string, host: string, ...more: string[]) =>
      doors.raw(
        [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...more, '', ''].join(
          '\r\n',
        ),
      )
    expect(statusOf(await ask('/nowhere', 'evil.example', page))).toBe(421)
    expect(statusOf(await ask('/nowhere', `localhost:${port}`, page))).toBe(403)
    expect(statusOf(await ask('/nowhere', `localhost:${port}`))).toBe(401)
    const key = `Authorization: Bearer ${KEY}`
    expect(statusOf(await ask('/nowhere', `localhost:${port}`, key))).toBe(404)
  })

  it('refuses a page before /healthz, too', async () => {
    await using doors = await openDoors()
    await doors.tcp().get('/healthz').set('Origin', 'https://evil.example').expect(403)
    await doors.tcp().get('/healthz').set('Host', 'evil.example').expect(421)
  })
})
