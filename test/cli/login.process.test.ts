import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { freedesktop, macDesktop } from '../../src/platform/posix/desktops.ts'
import { captureIo } from '../support/captured-io.ts'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { type Reply, run, type StandIn, startStandIn, stdinOf } from './stand-in.ts'

const LOGIN = 'POST /v1/apps/evo-me/login'
const WAIT = 'GET /v1/apps/evo-me/login/l1'
const GIVEN_UP = 'DELETE /v1/apps/evo-me/login/l1'
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

const PENDING = { status: 'pending', subject: null, scope: null, expires_at: null }

const pending = end(PENDING)

/** A promise that the test resolves. */
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

  it.each([
    {
      what: 'an address that a mail has broken over lines',
      pasted: 'http://localhost:3000/cb?code=c\n  c&sta\nte=s1\n',
      taken: ['http://localhost:3000/cb?code=cc&state=s1'],
    },
    {
      what: 'an address that is broken, and has no http:',
      pasted: 'localhost:3000/cb?code=c\r\n&state=s1\r\n',
      taken: ['localhost:3000/cb?code=c&state=s1'],
    },
    {
      what: 'two addresses',
      pasted: 'https://ims.example/\nhttp://localhost:3000/cb?code=c&state=s1\n',
      taken: ['https://ims.example/', 'http://localhost:3000/cb?code=c&state=s1'],
    },
  ])('takes lines that come together for $what', async ({ pasted, taken }) => {
    const { open, opened } = latch<Reply>()
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => opened,
      [CALLBACK]: ({ body }) => {
        if (!(body as { url: string }).url.includes('state=s1')) {
          return { problem: { error: 'invalid_request', detail: 'That is no address.' } }
        }
        open(end())
        return end()
      },
    })
    const captured = captureIo({ env: daemon.env })
    const ended = runCli(['login', 'evo-me', '--no-browser'], captured.io)
    await captured.type('paste the address', pasted)
    expect(await ended).toBe(0)
    expect(
      daemon.asked.filter(({ url }) => url.endsWith('callback')).map(({ body }) => body),
    ).toEqual(taken.map((url) => ({ url })))
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

  it('as another person tells the one way on that its message has', async () => {
    const message = 'As bob. To change the person: `evo-token login evo-me --switch-user`.'
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => end({ status: 'failed', error: 'other_subject', message, subject: null }),
    })
    const { stderr } = await run(daemon, ['login', 'evo-me'])
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('Start again')
  })

  it('is asked for as another person', async () => {
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

describe('what is said while a sign-in waits', () => {
  const AUTHORIZATION_URL =
    'https://ims.example/authorize?state=s1&client_id=native-1&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&scope=evo.discovery+evo.file'

  /** A daemon whose answers to a question about the sign-in come when the test says so. */
  async function startWaiting(
    change: object,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ) {
    const polls: ((reply: Reply) => void)[] = []
    const known = { visited: false, https_tried: false }
    const daemon = await startStandIn({
      // What is asked after a silence: time that the test lets pass.
      'GET /healthz': () => ({ json: { status: 'ok' } }),
      [`${WAIT}?wait=0`]: () => end({ ...PENDING, ...known }),
      [LOGIN]: () => started({ authorization_url: AUTHORIZATION_URL, ...change }),
      [WAIT]: () => {
        const { open, opened } = latch<Reply>()
        polls.push(open)
        return opened
      },
      [CALLBACK]: () => {
        polls.at(-1)?.(end())
        return end()
      },
    })
    const captured = captureIo({ env: { ...daemon.env, ...env } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const ended = runCli(['login', 'evo-me', ...args], captured.io)
    await until('the end is asked for', () => polls.length === 1)
    const count = (url: string) => daemon.asked.filter((one) => one.url.endsWith(url)).length
    const wait = async (seconds: number) => {
      const looks = count('?wait=0')
      vi.advanceTimersByTime(seconds * 1000)
      await until('it has looked', () => count('?wait=0') === looks + seconds / 2)
      // A look is over once the next question on another connection is answered.
      const asked = polls.length
      polls.at(-1)?.(pending)
      await until('the end is asked for again', () => polls.length === asked + 1)
    }
    return {
      captured,
      known,
      /** Lets time pass, with the answers that a daemon gives meanwhile. */
      async pass(seconds: number) {
        for (let passed = 0; passed < seconds; passed += 10) await wait(10)
      },
      said: () => captured.stderr.text,
      async end() {
        polls.at(-1)?.(end())
        const code = await ended
        vi.useRealTimers()
        await daemon[Symbol.asyncDispose]()
        return code
      },
    }
  }

  afterEach(() => {
    vi.useRealTimers()
  })

  const onLinux = process.platform === 'linux' ? undefined : 'xdg-open is for Linux'
  const WITH_BROWSER = { BROWSER: 'true', DISPLAY: ':0' }
  const itWithBrowser = itNeeds(onLinux)

  it('is from the start what to compare if the page shows an error, and again after 60 s', async () => {
    const waiting = await startWaiting({}, ['--no-browser'])
    const compared = [
      'client id     native-1',
      'redirect URI  http://localhost:3000/cb',
      'scopes        evo.discovery evo.file',
    ]
    expect(waiting.said()).toContain('This waits until you are done')
    for (const line of compared) expect(waiting.said().split(line)).toHaveLength(2)
    await waiting.pass(50)
    expect(waiting.said()).not.toContain('Still waiting')
    await waiting.pass(10)
    expect(waiting.said()).toContain('Still waiting for the sign-in to evo-me.')
    for (const line of compared) expect(waiting.said().split(line)).toHaveLength(3)
    await waiting.pass(120)
    expect(waiting.said().split('Still waiting')).toHaveLength(2)
    expect(await waiting.end()).toBe(0)
  })

  itWithBrowser(
    'is what may be wrong, after 20 s in which no browser has opened the link',
    async () => {
      const waiting = await startWaiting({}, [], WITH_BROWSER)
      expect(waiting.said()).toContain('The browser opens')
      await waiting.pass(10)
      expect(waiting.said()).not.toContain('No browser has opened')
      await waiting.pass(10)
      await until('it says so', () =>
        waiting.said().includes('No browser has opened the link yet.'),
      )
      expect(waiting.said()).toContain('http://localhost:3000/open/once')
      expect(waiting.said()).toMatch(/service worker[\s\S]*https:[\s\S]*paste the address/)
      await waiting.end()
    },
  )

  itWithBrowser('is nothing of that where the browser has come', async () => {
    const waiting = await startWaiting({}, [], WITH_BROWSER)
    waiting.known.visited = true
    await waiting.pass(60)
    expect(waiting.said()).not.toContain('No browser has opened')
    expect(waiting.said()).toContain('Still waiting')
    await waiting.end()
  })

  itWithBrowser('is nothing of that where the browser has come just now', async () => {
    const waiting = await startWaiting({}, [], WITH_BROWSER)
    await waiting.pass(10)
    waiting.known.visited = true
    await waiting.pass(20)
    expect(waiting.said()).not.toContain('No browser has opened')
    await waiting.end()
  })

  it('is nothing of that where no browser was sent to the link', async () => {
    const waiting = await startWaiting({}, ['--no-browser'])
    await waiting.pass(40)
    expect(waiting.said()).not.toContain('No browser has opened')
    await waiting.end()
  })

  it('is, soon and once, that the browser tried https:', async () => {
    const waiting = await startWaiting({}, ['--no-browser'])
    waiting.known.https_tried = true
    await waiting.pass(20)
    await until('it says so', () => waiting.said().includes('The browser tried https:'))
    expect(waiting.said().split('The browser tried https:')).toHaveLength(2)
    await waiting.end()
  })

  itWithBrowser('does not keep the address from being pasted while a browser is open', async () => {
    const waiting = await startWaiting({}, [], WITH_BROWSER)
    await waiting.captured.type('paste the address', 'http://localhost:3000/cb?code=c&state=s1\n')
    await until('it says so', () => waiting.said().includes('Signed in'))
    expect(await waiting.end()).toBe(0)
  })

  it.each([
    ['own', 'another program of yours', false],
    ['other', 'a program of another user of this machine', true],
    ['unknown', 'another program, perhaps of another user', true],
  ] as const)('is whose program has the port: %s', async (user, whose, warned) => {
    const busy = { listening: false, busy_port: 3000, busy_port_user: user, open_url: null }
    const waiting = await startWaiting(busy, [], WITH_BROWSER)
    expect(waiting.said()).toContain(
      `Port 3000, to which the browser comes back after the sign-in, belongs to ${whose}`,
    )
    expect(waiting.said().includes('type nothing there')).toBe(warned)
    expect(waiting.said()).toContain(AUTHORIZATION_URL)
    expect(waiting.said()).not.toContain('The browser opens')
    await waiting.captured.type('paste the address', 'http://localhost:3000/cb?code=c&state=s1\n')
    await until('it says so', () => waiting.said().includes('Signed in'))
    await waiting.end()
  })
})

describe('a sign-in that a person leaves', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGTERM', 143],
  ] as const)('with %s is ended in the daemon, at once and in words', async (signal, code) => {
    const { open, opened } = latch<Reply>()
    await using daemon = await startStandIn({
      [LOGIN]: () => started(),
      [WAIT]: () => opened,
      [GIVEN_UP]: () => {
        open(end({ status: 'failed', error: 'cancelled', message: 'The sign-in was given up.' }))
        return undefined
      },
    })
    const left = await leave(daemon, signal)
    expect(left.exit).toEqual([code, null])
    expect(left.said).toMatch(/left unfinished; nothing has changed\.\n$/)
    expect(daemon.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  it('before it has begun is ended in the daemon all the same, and opens no browser', async () => {
    const asked = latch<undefined>()
    const begun = latch<Reply>()
    await using daemon = await startStandIn({
      [LOGIN]: () => {
        asked.open(undefined)
        return begun.opened
      },
      [GIVEN_UP]: () => undefined,
    })
    const child = spawn(process.execPath, [MAIN, 'login', 'evo-me'], {
      env: { ...daemon.env, BROWSER: join(daemon.directory, 'none') },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await asked.opened
    child.kill('SIGINT')
    await until('it says so', () => said.includes('left unfinished'))
    begun.open(started())
    expect(await once(child, 'exit')).toEqual([130, null])
    expect(daemon.asked.map(({ method }) => method)).toEqual(['POST', 'DELETE'])
    expect(said).not.toContain('The browser opens')
  })

  it.each([
    ['does not know how', () => ({ problem: { error: 'method_not_allowed' } })],
    ['does not answer', () => new Promise<never>(() => undefined)],
  ])('is left also where the daemon %s', async (_what, answer) => {
    const { opened } = latch<Reply>()
    const routes = { [LOGIN]: () => started(), [WAIT]: () => opened, [GIVEN_UP]: answer }
    await using daemon = await startStandIn(routes)
    expect((await leave(daemon, 'SIGINT')).exit).toEqual([130, null])
  })

  async function leave(daemon: StandIn, signal: NodeJS.Signals) {
    const child = spawn(process.execPath, [MAIN, 'login', 'evo-me', '--no-browser'], {
      env: daemon.env,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until('it waits', () => said.includes('paste the address') && daemon.asked.length === 2)
    child.kill(signal)
    return { exit: await once(child, 'exit'), said }
  }
})
