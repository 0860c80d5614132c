import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { freedesktop, macDesktop } from '../../src/platform/posix/desktops.ts'
import { captureIo } from '../support/captured-io.ts'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { type Reply, run, startStandIn, stdinOf } from './stand-in.ts'

const LOGIN = 'POST /v1/apps/evo-me/login'
const WAIT = 'GET /v1/apps/evo-me/login/l1'
const CALLBACK = 'POST /v1/apps/evo-me/login/l1/callback'

const started = (change: object = {}): Reply => ({
  json: {
    id: 'l1',
    authorization_url: 'https://ims.example/authorize?state=s1',
    open_url: 'http://localhost:3000/open/once',
    expires_at: '2026-01-01T00:10:00Z',
    ...change,
  },
})

const end = (change: object = {}): Reply => ({
  json: {
    status: 'succeeded',
    error: null,
    message: null,
    subject: 'ada@example.com',
    scope: 'evo.discovery',
    expires_at: '2026-01-01T01:00:00Z',
    ...change,
  },
})

const pending = end({ status: 'pending', subject: null, scope: null, expires_at: null })

/** A promise that somebody else resolves. */
function latch<T>() {
  let open: (value: T) => void = () => undefined
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

describe('a sign-in with a browser elsewhere', () => {
  it('shows the link, waits as long as it takes, and says who signed in', async () => {
    const answers = [pending, pending, end()]
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => answers.shift(),
    })
    const { code, stdout, stderr } = await run(daemon, ['login', 'evo-me', '--no-browser'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('\nhttps://ims.example/authorize?state=s1\n')
    expect(stderr).not.toContain('open/once')
    expect(stderr).toContain('Signed in to evo-me as ada@example.com.')
    expect(stderr).toContain('until 2026-01-01T01:00:00Z')
    expect(daemon.asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET'])
  })

  it('says that a token does not end', async () => {
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => end({ expires_at: null }),
    })
    const { stderr } = await run(daemon, ['login', 'evo-me', '--no-browser'])
    expect(stderr).toContain('Signed in to evo-me as ada@example.com. The token does not end.')
  })

  it('passes on what is pasted, asks again where that is wrong, and ends with the sign-in', async () => {
    const { open, opened } = latch<Reply>()
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => opened,
      [CALLBACK]: ({ body }) => {
        if ((body as { url: string }).url.startsWith('http')) {
          open(end())
          return end()
        }
        const detail = 'That is no address.'
        return { problem: { error: 'invalid_request', detail, hint: 'Paste it whole.' } }
      },
    })
    const captured = captureIo({ env: daemon.env })
    const ended = runCli(['login', 'evo-me', '--no-browser'], captured.io)
    await captured.type('paste the address', 'nonsense\n')
    await captured.type(
      'Paste it again',
      '\n  http://localhost:3000/signin-callback?code=c&state=s1 \n',
    )
    expect(await ended).toBe(0)
    expect(captured.stderr.text).toContain('That is no address. Paste it whole.')
    expect(
      daemon.asked.filter(({ url }) => url.endsWith('callback')).map(({ body }) => body),
    ).toEqual([
      { url: 'nonsense' },
      { url: 'http://localhost:3000/signin-callback?code=c&state=s1' },
    ])
  })

  it('ends where the browser came back by itself, while nothing was pasted', async () => {
    const { open, opened } = latch<Reply>()
    await using daemon = await startStandIn({ [LOGIN]: () => started(), [WAIT]: () => opened })
    const captured = captureIo({ env: daemon.env })
    const ended = runCli(['login', 'evo-me', '--no-browser'], captured.io)
    await until(
      'it asks for the address',
      () => captured.stderr.text,
      (said) => said.includes('paste the address'),
    )
    open(end())
    expect(await ended).toBe(0)
    expect(stdinOf(captured).isPaused()).toBe(true)
  })

  it('is what there is where the redirect URI is on another machine', async () => {
    await using daemon = await startStandIn({
      [LOGIN]: () => started({ open_url: null }),
      [WAIT]: () => end(),
    })
    const { stderr } = await run(daemon, ['login', 'evo-me'], { more: { DISPLAY: ':0' } })
    expect(stderr).toContain('https://ims.example/authorize?state=s1')
  })

  it('warns of what the sign-in did not bring', async () => {
    const message = 'No refresh token was granted.'
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => end({ message }),
    })
    const { code, stderr } = await run(daemon, ['login', 'evo-me'])
    expect(code).toBe(0)
    expect(stderr).toContain(`Note: ${message}`)
  })

  it.each([
    ['access_denied', 'You said no.', 1, 'You said no. (access_denied)'],
    ['invalid_scope', null, 1, '(invalid_scope)'],
    ['misconfigured', 'Refused: misconfigured', 7, 'Refused: misconfigured\n'],
    ['unavailable', 'No answer.', 5, 'No answer.'],
  ])('that fails with %s says why', async (error, message, exitCode, said) => {
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => end({ status: 'failed', error, message, subject: null }),
    })
    const { code, stderr } = await run(daemon, ['login', 'evo-me'])
    expect(code).toBe(exitCode)
    expect(stderr).toContain(said)
    expect(stderr).toContain('evo-token login evo-me')
  })

  it('is asked for as somebody else', async () => {
    await using daemon = await startStandIn({ [LOGIN]: () => started(), [WAIT]: () => end() })
    await run(daemon, ['login', 'evo-me', '--switch-user'])
    await run(daemon, ['login', 'evo-me'])
    const bodies = daemon.asked.filter(({ method }) => method === 'POST').map(({ body }) => body)
    expect(bodies).toEqual([{ switch_user: true }, { switch_user: false }])
  })

  it('ends where the daemon is gone meanwhile', async () => {
    const daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => ({ stream: (response) => response.destroy() }),
    })
    const { code, stderr } = await run(daemon, ['login', 'evo-me'])
    expect(code).toBe(4)
    expect(stderr).toContain('does not answer as this evo-token expects')
    await daemon[Symbol.asyncDispose]()
  })

  it('is not what another program answers', async () => {
    await using daemon = await startStandIn({ [LOGIN]: () => ({ json: {} }) })
    expect(await run(daemon, ['login', 'evo-me'])).toMatchObject({ code: 4 })
  })
})

it('a sign-in with a device shows the code and where to type it', async () => {
  await using daemon = await startStandIn({
    [LOGIN]: () => ({
      json: {
        id: 'l1',
        user_code: 'ABCD-EFGH',
        verification_uri: 'https://ims.example/device',
        verification_uri_complete: 'https://ims.example/device?code=ABCD-EFGH',
        expires_at: '2026-01-01T00:10:00Z',
      },
    }),
    [WAIT]: () => end(),
  })
  const { code, stderr } = await run(daemon, ['login', 'evo-me', '--device'])
  expect(code).toBe(0)
  expect(stderr).toContain('\n  https://ims.example/device\n')
  expect(stderr).toContain('\n  ABCD-EFGH\n')
  expect(stderr).toContain('or open https://ims.example/device?code=ABCD-EFGH')
  expect(daemon.asked[0]?.body).toEqual({ method: 'device', switch_user: false })
})

describe('a browser', () => {
  it.each([
    ['linux', {}, false],
    ['linux', { DISPLAY: ':0' }, true],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
    ['linux', { BROWSER: 'firefox' }, true],
    ['linux', { WSL_DISTRO_NAME: 'Debian' }, true],
    ['linux', { DISPLAY: '' }, false],
    ['darwin', {}, true],
    ['darwin', { SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' }, false],
  ] as const)('on %s with %j may be opened: %s', (system, env, may) => {
    const desktop = { linux: freedesktop, darwin: macDesktop }[system]
    expect(desktop.mayOpenBrowser(env)).toBe(may)
  })

  const onLinux = process.platform === 'linux' ? undefined : 'xdg-open is for Linux'

  itNeeds(onLinux)(
    'is opened on the one-time link, and never on the authorization URL',
    async () => {
      const { open, opened } = latch<Reply>()
      await using daemon = await startStandIn({ [LOGIN]: () => started(), [WAIT]: () => opened })
      const seen = join(daemon.directory, 'seen')
      const browser = join(daemon.directory, 'browser')
      writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$*" > ${seen}\n`, { mode: 0o755 })
      const child = spawn(process.execPath, [MAIN, 'login', 'evo-me'], {
        env: { ...daemon.env, BROWSER: browser },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
      await until('the browser is started', () => readFileSync(seen, 'utf8') !== '')
      expect(readFileSync(seen, 'utf8')).toBe('http://localhost:3000/open/once')
      open(end())
      expect(await once(child, 'exit')).toEqual([0, null])
      expect(said).toContain('The browser opens')
      expect(said).not.toContain('ims.example')
    },
  )
})

it('is left with Ctrl-C, at once and in words', async () => {
  const { opened } = latch<Reply>()
  await using daemon = await startStandIn({ [LOGIN]: () => started(), [WAIT]: () => opened })
  const child = spawn(process.execPath, [MAIN, 'login', 'evo-me', '--no-browser'], {
    env: daemon.env,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await until(
    'it asks for the address',
    () => said,
    (text) => text.includes('paste the address'),
  )
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([130, null])
  expect(said).toContain('left unfinished')
})
