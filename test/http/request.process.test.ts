import { describe, expect, it } from 'vitest'
import { KEY, openDoors } from './doors.ts'

const SECRET = '/v1/apps/evo-pipeline/client-secret'
const REFRESH = '/v1/apps/evo-me/refresh'
const BODY_MAX = 16 * 1024

/** A JSON object of exactly this many bytes. */
function ofLength(bytes: number): string {
  const empty = JSON.stringify({ client_secret: '' })
  return JSON.stringify({ client_secret: 'x'.repeat(bytes - empty.length) })
}

describe('a body', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
    'application/json; charset=latin1',
    'multipart/form-data; boundary=x',
    '',
  ])('of the type "%s" is refused', async (type) => {
    await using doors = await openDoors()
    const answer = await doors
      .owner()
      .put(SECRET)
      .set('Content-Type', type)
      .send(Buffer.from('{"client_secret":"s3cret"}'))
      .expect(400)
    expect((answer.body as { detail: string }).detail).toContain('application/json')
    expect(doors.asked).toEqual([])
  })

  it.each([
    'application/json',
    'Application/JSON; charset=UTF-8',
    'application/json;charset="utf-8"',
  ])('of the type %s is read', async (type) => {
    await using doors = await openDoors()
    const body = '{"client_secret":"s3cret"}'
    await doors.owner().put(SECRET).set('Content-Type', type).send(body).expect(200)
  })

  it('that is no JSON is refused, and not quoted in the answer or the log', async () => {
    await using doors = await openDoors()
    const answer = await doors
      .owner()
      .put(SECRET)
      .set('Content-Type', 'application/json')
      .send('{"client_secret":"hunter2')
      .expect(400)
    expect(answer.body).toMatchObject({ detail: 'The body is not valid JSON.' })
    expect(answer.text + JSON.stringify(doors.log.lines)).not.toContain('hunter2')
  })

  it('that is not UTF-8 is refused', async () => {
    await using doors = await openDoors()
    const head = `POST ${REFRESH} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 23\r\nConnection: close\r\n\r\n`
    const body = Buffer.from('{"rejected_sha256":"\xff"}', 'latin1')
    const answer = await doors.raw(Buffer.concat([Buffer.from(head), body]))
    expect(answer).toContain('The body is not valid JSON.')
  })

  it.each(['[]', 'null', '"text"', '5', 'true'])(
    'that is no object is refused: %s',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors
        .owner()
        .put(SECRET)
        .set('Content-Type', 'application/json')
        .send(body)
        .expect(400)
      expect(answer.body).toMatchObject({ error: 'invalid_request' })
    },
  )

  it('with an unknown field is refused by its name', async () => {
    await using doors = await openDoors()
    for (const field of ['extra', '__proto__', 'constructor']) {
      const answer = await doors
        .owner()
        .put(SECRET)
        .set('Content-Type', 'application/json')
        .send(`{"client_secret":"s","${field}":{"a":1}}`)
        .expect(400)
      expect((answer.body as { detail: string }).detail).toContain(`"${field}"`)
    }
  })

  it('that is encoded is refused', async () => {
    await using doors = await openDoors()
    await doors
      .owner()
      .put(SECRET)
      .set('Content-Type', 'application/json')
      .set('Content-Encoding', 'gzip')
      .send(Buffer.from('{}'))
      .expect(400)
  })

  it('is needed where a route cannot do without', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().put(SECRET).expect(400)
    expect(answer.body).toMatchObject({ detail: 'The request needs a JSON body.' })
  })

  it('may be 16 KiB and no byte more', async () => {
    await using doors = await openDoors()
    const put = (body: string) =>
      doors.owner().put(SECRET).set('Content-Type', 'application/json').send(body)
    const full = await put(ofLength(BODY_MAX)).expect(400)
    expect((full.body as { detail: string }).detail).toMatch(/^client_secret: /)
    const over = await put(ofLength(BODY_MAX + 1)).expect(413)
    expect(over.body).toMatchObject({ error: 'too_large' })
  })

  it('in chunks is cut off at 16 KiB without waiting for its end', async () => {
    await using doors = await openDoors()
    const chunk = 'x'.repeat(BODY_MAX + 1)
    const answer = await doors.raw(
      [
        `POST ${REFRESH} HTTP/1.1`,
        `Host: localhost:${doors.port}`,
        `Authorization: Bearer ${KEY}`,
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        'Connection: close',
        '',
        `${chunk.length.toString(16)}\r\n${chunk}\r\n`,
      ].join('\r\n'),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('that says to be too large is not waited for', async () => {
    await using doors = await openDoors()
    const head = `POST ${REFRESH} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`
    expect(await doors.raw(head)).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('that breaks off changes nothing', async () => {
    await using doors = await openDoors()
    const head = `POST ${REFRESH} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`
    expect(await doors.raw(`${head}{"rejected`)).not.toContain('200')
    expect(doors.asked).toEqual([['noteUse', 'local']])
    await doors.tcp(KEY).get('/v1/apps').expect(200)
  })

  it('of a refused request is not waited for', async () => {
    await using doors = await openDoors()
    const head = `POST ${REFRESH} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nContent-Length: 1000000\r\n\r\n`
    expect(await doors.raw(head)).toMatch(/^HTTP\/1\.1 401 /)
  })
})
