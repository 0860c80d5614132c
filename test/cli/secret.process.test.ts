import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'
import { createClientKey } from '../support/client-keys.ts'
import { run, startStandIn, status } from './stand-in.ts'

const SECRET = 'pa$$ "word" \\ with everything'
const APP = 'GET /v1/apps/evo-web'
const PUT = 'PUT /v1/apps/evo-web/client-secret'

const known = { [APP]: () => ({ json: status({ app: 'evo-web' }) }) }

it.each([
  ['as it stands', SECRET],
  ['without a line break behind it', `${SECRET}\r\n`],
  ['without blanks around it', ` \t${SECRET}  \n\n`],
  ['without a byte order mark', `\ufeff${SECRET}\n`],
  ['from UTF-16', Buffer.from(`\ufeff${SECRET}\r\n`, 'utf16le')],
  ['from UTF-16 without a byte order mark', Buffer.from(`${SECRET}\r\n`, 'utf16le')],
  ['from UTF-16 of the other order', Buffer.from(`\ufeff${SECRET}\n`, 'utf16le').swap16()],
  ['from the latter without a mark', Buffer.from(`${SECRET}\n`, 'utf16le').swap16()],
  ['without blanks of other kinds around it', `\u00a0${SECRET}\u2003\f\n`],
])('takes the secret from stdin %s', async (_, input) => {
  await using daemon = await startStandIn({ ...known, [PUT]: () => ({ json: { proven: true } }) })
  const { code, stdout, stderr } = await run(daemon, ['secret', 'evo-web'], { input })
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toContain('accepted it')
  expect(daemon.asked[1]?.body).toEqual({ client_secret: SECRET })
})

it.each([
  ['a second line', `${SECRET}\nand this\n`, 'more than one line'],
  ['a letter that is not ASCII', 'pässword', 'RFC 6749 §A.2'],
  ['a control character', 'pass\x1bword', 'RFC 6749 §A.2'],
  ['a NUL', 'password\0', 'RFC 6749 §A.2'],
  ['a blank that is not ASCII', 'pass\u00a0word', 'RFC 6749 §A.2'],
  ['a second line of an old Mac', `${SECRET}\rand this\r`, 'more than one line'],
  ['a second line in UTF-16', Buffer.from(`${SECRET}\r\nword\r\n`, 'utf16le'), 'more than one'],
])('refuses %s, and sends nothing', async (_, input, said) => {
  await using daemon = await startStandIn(known)
  const { code, stderr } = await run(daemon, ['secret', 'evo-web'], { input })
  expect(code).toBe(2)
  expect(stderr).toContain(said)
  expect(stderr).not.toContain('word')
  expect(daemon.asked).toHaveLength(1)
})

it('takes a line without an end', async () => {
  await using daemon = await startStandIn({ ...known, [PUT]: () => ({ json: { proven: false } }) })
  const { code, stderr } = await run(daemon, ['secret', 'evo-web'], { input: SECRET })
  expect(code).toBe(0)
  expect(stderr).toContain('proven when it is used next')
  expect(daemon.asked[1]?.body).toEqual({ client_secret: SECRET })
})

it('asks a person for it and shows nothing of what they type', async () => {
  await using daemon = await startStandIn({ ...known, [PUT]: () => ({ json: { proven: true } }) })
  const captured = captureIo({ env: daemon.env, isTTY: true })
  const ended = runCli(['secret', 'evo-web'], captured.io)
  await captured.type('The client secret of evo-web', 'hunter2-hunter2\r')
  expect(await ended).toBe(0)
  expect(captured.stdout.text + captured.stderr.text).not.toContain('hunter2')
  expect(daemon.asked[1]?.body).toEqual({ client_secret: 'hunter2-hunter2' })
})

it('stores nothing where the person gives up', async () => {
  await using daemon = await startStandIn(known)
  const captured = captureIo({ env: daemon.env, isTTY: true })
  const ended = runCli(['secret', 'evo-web'], captured.io)
  await captured.type('The client secret of evo-web', 'half\x03')
  expect(await ended).toBe(1)
  expect(captured.stderr.text).toContain('Nothing was stored.')
  expect(daemon.asked).toHaveLength(1)
})

describe('with --private-key', () => {
  const { pem, jwk } = createClientKey('rsa-4096')

  it('takes the key out of a file, and sends it whole', async () => {
    await using daemon = await startStandIn({ ...known, [PUT]: () => ({ json: { proven: true } }) })
    const file = join(daemon.directory, 'key.pem')
    writeFileSync(file, `Bag Attributes\r\n${pem}`)
    const { code, stdout, stderr } = await run(daemon, ['secret', 'evo-web', '--private-key', file])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toBe(
      'The private key of evo-web is stored: its authorization server accepted it.\n',
    )
    expect(daemon.asked[1]?.body).toEqual({ private_key: pem })
  })

  it('takes it from stdin, a JWK with its name and algorithm', async () => {
    await using daemon = await startStandIn({
      ...known,
      [PUT]: () => ({ json: { proven: false } }),
    })
    const key = { ...jwk, kid: 'key-7', alg: 'PS256' }
    const input = JSON.stringify({ ...key, use: 'sig' }, null, 2)
    const { code, stderr } = await run(daemon, ['secret', 'evo-web', '--private-key', '-'], {
      input,
    })
    expect(code).toBe(0)
    expect(stderr).toContain('proven when it is used next')
    const { private_key: sent } = daemon.asked[1]?.body as { private_key: string }
    expect(JSON.parse(sent)).toEqual(key)
    expect(sent.length).toBeLessThan(4096)
  })

  it.each([
    ['nothing', '', 'stdin holds no private key'],
    ['a client secret', 's3cret-s3cret', 'stdin holds no private key'],
    ['half a key', pem.slice(0, 200), 'cut short'],
    ['a public key', JSON.stringify({ ...jwk, d: undefined }), 'it is a public key'],
    ['far too much', 'x'.repeat(70_000), 'longer than a private key is'],
  ])('stores nothing where it is given %s, and does not repeat that', async (_, input, said) => {
    await using daemon = await startStandIn(known)
    const { code, stderr } = await run(daemon, ['secret', 'evo-web', '--private-key', '-'], {
      input,
    })
    expect(code).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).not.toMatch(/s3cret-|MII|xxx/)
    expect(daemon.asked).toHaveLength(1)
  })

  it.each([
    ['is not there', 'nowhere.pem', 'cannot be read: it is not there (ENOENT)'],
    ['is a directory', '.', 'is not a regular file'],
  ])('says so where the file %s', async (_, name, said) => {
    await using daemon = await startStandIn(known)
    const file = join(daemon.directory, name)
    expect(await run(daemon, ['secret', 'evo-web', '--private-key', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(said) as string,
    })
  })
})

it.each([
  ['nothing', '', 'No client secret was given.'],
  ['an empty line', '\nlater\n', 'No client secret was given.'],
  ['far too much', 'x'.repeat(5000), 'too long'],
])('stores nothing where stdin holds %s', async (_, input, said) => {
  await using daemon = await startStandIn(known)
  const { code, stderr } = await run(daemon, ['secret', 'evo-web'], { input })
  expect(code).toBe(2)
  expect(stderr).toContain(said)
  expect(daemon.asked).toHaveLength(1)
})

it('does not ask for it for an app that there is not', async () => {
  await using daemon = await startStandIn({
    [APP]: () => ({ problem: { error: 'unknown_app', detail: 'No app "evo-web".' } }),
  })
  const { io } = captureIo({ env: daemon.env, isTTY: true })
  expect(await runCli(['secret', 'evo-web'], io)).toBe(6)
})

it('says what the authorization server says against it, and never the secret', async () => {
  await using daemon = await startStandIn({
    ...known,
    [PUT]: () => ({
      problem: { error: 'misconfigured', detail: 'invalid_client: nothing changed' },
    }),
  })
  const { code, stderr } = await run(daemon, ['secret', 'evo-web'], { input: SECRET })
  expect(code).toBe(7)
  expect(stderr).toContain('invalid_client: nothing changed')
  expect(stderr).not.toContain(SECRET)
})
