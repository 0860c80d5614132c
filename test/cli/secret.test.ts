import { expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'
import { run, startStandIn, status } from './stand-in.ts'

const SECRET = 'pä$$ "word" \\ with everything'
const APP = 'GET /v1/apps/evo-web'
const PUT = 'PUT /v1/apps/evo-web/client-secret'

const known = { [APP]: () => ({ json: status({ app: 'evo-web' }) }) }

it('takes the first line of stdin, as it stands', async () => {
  await using daemon = await startStandIn({ ...known, [PUT]: () => ({ json: { proven: true } }) })
  const input = `${SECRET}\r\nnot this\n`
  const { code, stdout, stderr } = await run(daemon, ['secret', 'evo-web'], { input })
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toContain('accepted it')
  expect(daemon.asked[1]?.body).toEqual({ client_secret: SECRET })
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

it('asks nobody to type it for an app that there is not', async () => {
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
