import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { Secret } from '../../src/secret.ts'
import { app, HOUR, MINUTE, NOW, SECOND, serviceApp, tokenOf } from '../support/builders.ts'
import {
  createWorld,
  granted,
  INVALID_CLIENT,
  settle,
  signedIn,
  unavailable,
} from '../support/broker-world.ts'

const ME = 'evo-me'
const IN_BROWSER = { method: 'browser', switchUser: false } as const
const ON_DEVICE = { method: 'device', switchUser: false } as const
const ada = { id: 'user-1', name: 'ada@example.org' }
const bob = { id: 'user-2', name: 'bob@example.org' }

async function signedOut(overrides: Parameters<typeof app>[0] = {}) {
  const world = createWorld({ apps: [app(overrides)] })
  await world.broker.open()
  return world
}

function callback(state: string, parameters = 'code=c-1') {
  return new URL(`http://localhost:3000/signin-callback?state=${state}&${parameters}`)
}

function declined() {
  const failure = { code: 'access_denied', message: 'The person said no' }
  return { kind: 'rejected', failure } as const
}

describe('a sign-in in the browser', () => {
  it('ends with who signed in to what, and the token is stored before it is served', async () => {
    const { answers, broker, redirects, requests, steps, concluded } = await signedOut()
    const { signIns } = broker
    const started = await signIns.start(ME, IN_BROWSER)
    expect(started).toMatchObject({ openUrl: 'http://localhost:3000/open/state-1' })
    answers.push(granted({ subject: ada, scope: 'evo.discovery evo.workspace offline_access' }))
    const page = await redirects[0]?.onCallback(callback('state-1'))
    expect(page).toMatchObject({
      ok: true,
      text: expect.stringContaining('ada@example.org') as string,
    })
    expect(await signIns.wait(ME, started.id, 0)).toMatchObject({
      status: 'succeeded',
      subject: 'ada@example.org',
      message: null,
    })
    expect(requests).toEqual(['redeem c-1'])
    expect(steps).toEqual(['reserve', 'store'])
    expect(concluded).toEqual(['state-1'])
    expect(broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-2'))
  })

  it('says that no refresh token was granted, and which scopes were not', async () => {
    const { answers, broker, redirects } = await signedOut()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    answers.push({
      kind: 'granted',
      grant: { accessToken: new Secret('at-1'), lifetimeMs: HOUR, scope: 'evo.discovery' },
      received: NOW,
    })
    await redirects[0]?.onCallback(callback('state-1'))
    const { message } = await broker.signIns.wait(ME, started.id, 0)
    expect(message).toMatch(/no refresh token.*Not granted: evo\.workspace\./s)
  })

  it('keeps the old session until the new one is there', async () => {
    const { answers, broker, redirects } = await signedIn()
    await broker.signIns.start(ME, IN_BROWSER)
    expect(broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    answers.push(INVALID_CLIENT)
    await redirects[0]?.onCallback(callback('state-1'))
    expect(broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    expect(broker.status(ME)).toMatchObject({ session: 'active' })
  })

  it.each([
    ['spa', 'invalid_scope', 'may not be allowed offline_access'],
    ['native', 'invalid_scope', 'Seequent Developer Portal'],
    ['native', 'access_denied', 'your account may not use this app'],
    ['native', 'unauthorized_client', 'registered as "native"'],
  ] as const)('that ends a %s app’s with %s says what to do', async (type, error, advice) => {
    const world = createWorld({ apps: [app({ type })] })
    await world.broker.open()
    const started = await world.broker.signIns.start(ME, IN_BROWSER)
    world.answers.push({
      kind: 'rejected',
      failure: { code: error, message: 'the words of the server' },
    })
    await world.redirects[0]?.onCallback(callback('state-1'))
    const { message } = await world.broker.signIns.wait(ME, started.id, 0)
    expect(message).toContain('the words of the server.')
    expect(message).toContain(advice)
  })

  it('sends no code while the disk refuses', async () => {
    const { broker, disk, redirects, requests } = await signedOut()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    disk.refuses = true
    await redirects[0]?.onCallback(callback('state-1'))
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({
      error: 'vault_unwritable',
    })
    expect(requests).toEqual([])
  })

  it('refuses another person without --switch-user, and lives on as the first', async () => {
    const { answers, broker, redirects, revoked } = await signedIn()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    answers.push(granted({ subject: bob }))
    await redirects[0]?.onCallback(callback('state-1'))
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({
      error: 'other_subject',
      message: expect.stringContaining('--switch-user') as string,
    })
    expect(revoked).toEqual(['refresh_token rt-2'])
    expect(broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
  })

  it('takes another person with --switch-user', async () => {
    const { answers, broker, redirects } = await signedIn()
    const started = await broker.signIns.start(ME, { method: 'browser', switchUser: true })
    expect(started).toMatchObject({
      authorizationUrl: expect.stringContaining('prompt=login') as string,
    })
    answers.push(granted({ subject: bob }))
    await redirects[0]?.onCallback(callback('state-1'))
    expect(broker.status(ME)).toMatchObject({ subject: 'bob@example.org' })
  })

  it('is replaced by a newer one of the same app, not by one of another', async () => {
    const world = createWorld({ apps: [app(), app({ name: 'evo-too', clientId: 'native-2' })] })
    const { broker, answers, closed, redirects } = world
    await broker.open()
    const first = await broker.signIns.start(ME, IN_BROWSER)
    const other = await broker.signIns.start('evo-too', IN_BROWSER)
    await broker.signIns.start(ME, IN_BROWSER)
    expect(await broker.signIns.wait(ME, first.id, 0)).toMatchObject({ error: 'cancelled' })
    expect(closed).toEqual(['state-1'])
    answers.push(granted())
    await redirects[1]?.onCallback(callback('state-2'))
    expect(await broker.signIns.wait('evo-too', other.id, 0)).toMatchObject({ status: 'succeeded' })
  })

  it('uses its answer once', async () => {
    const { answers, broker, redirects, requests } = await signedOut()
    await broker.signIns.start(ME, IN_BROWSER)
    answers.push(granted())
    const [first, second] = await Promise.all([
      redirects[0]?.onCallback(callback('state-1')),
      redirects[0]?.onCallback(callback('state-1', 'code=c-2')),
    ])
    expect([first?.ok, second?.ok]).toEqual([true, false])
    expect(requests).toEqual(['redeem c-1'])
  })

  it('takes the next redirect URI where a port is busy', async () => {
    const redirectUris = ['http://localhost:3000/signin-callback', 'http://localhost:3001/cb']
    const { broker, ports } = await signedOut({ redirectUris })
    ports.busy.add('http://localhost:3000/signin-callback')
    expect(await broker.signIns.start(ME, IN_BROWSER)).toMatchObject({
      openUrl: 'http://localhost:3000/open/state-1',
      listening: true,
      busy: null,
    })
  })

  it.each([
    ['own', 'http://127.0.0.1:49152/open/state-1'],
    ['other', null],
    ['unknown', null],
  ] as const)(
    'is completed by a pasted address where the port is busy, of a user %s: link %s',
    async (holder, openUrl) => {
      const { answers, broker, closed, ports } = await signedOut()
      ports.busy.add('http://localhost:3000/signin-callback')
      ports.holder = holder
      const started = await broker.signIns.start(ME, IN_BROWSER)
      const busy = { port: 3000, holder }
      expect(started).toMatchObject({ openUrl, listening: false, busy })
      answers.push(granted())
      const { href } = callback('state-1')
      expect(await broker.signIns.paste(ME, started.id, href)).toMatchObject({
        status: 'succeeded',
      })
      broker.signIns.close()
      expect(closed).toEqual(openUrl === null ? [] : ['state-1'])
    },
  )

  it('is completed by a pasted address where the port may not be opened, unless another one may', async () => {
    const redirectUris = ['http://localhost:80/cb', 'http://localhost:3001/cb']
    const { answers, broker, ports } = await signedOut({ redirectUris })
    ports.closed.add('http://localhost:80/cb')
    expect(await broker.signIns.start(ME, IN_BROWSER)).toMatchObject({ listening: true })
    ports.closed.add('http://localhost:3001/cb')
    const started = await broker.signIns.start(ME, IN_BROWSER)
    expect(started).toMatchObject({ openUrl: null, listening: false, busy: null })
    answers.push(granted())
    const url = 'http://localhost/cb?code=c-1&state=state-2'
    expect(await broker.signIns.paste(ME, started.id, url)).toMatchObject({ status: 'succeeded' })
  })

  it('prefers the redirect URI whose port is busy with a program of the same user', async () => {
    const redirectUris = ['http://localhost:3000/signin-callback', 'http://localhost:3001/cb']
    const { broker, ports } = await signedOut({ redirectUris })
    for (const uri of redirectUris) ports.busy.add(uri)
    ports.holderOf.set(3000, 'other')
    expect(await broker.signIns.start(ME, IN_BROWSER)).toMatchObject({
      busy: { port: 3001, holder: 'own' },
    })
  })

  it.each(['success', 'a refusal', 'a second visit of its link', 'ten minutes'])(
    'leaves the port open for a minute after it has ended by %s',
    async (what) => {
      const { answers, beat, broker, closed, pass, redirects } = await signedOut()
      const { id } = await broker.signIns.start(ME, IN_BROWSER)
      const [redirect] = redirects
      if (what === 'ten minutes') pass(10 * MINUTE)
      else if (what === 'a second visit of its link') redirect?.onSecondVisit()
      else {
        answers.push(what === 'success' ? granted() : declined())
        await redirect?.onCallback(callback('state-1'))
      }
      await beat()
      expect((await broker.signIns.wait(ME, id, 0)).status).not.toBe('pending')
      pass(MINUTE - 1)
      await beat()
      expect(closed).toEqual([])
      pass(1)
      await beat()
      await beat()
      expect(closed).toEqual(['state-1'])
    },
  )

  it.each([
    ['declined', 'The person said no. Either you declined', '(access_denied)'],
    ['succeeded', 'evo-me is signed in as ada@example.org.', ''],
    ['timed out', 'The sign-in was not completed in time.', '(timeout)'],
  ])(
    'that %s says so to a browser that comes again, and how to go on',
    async (what, words, code) => {
      const { answers, beat, broker, pass, redirects, requests } = await signedOut()
      await broker.signIns.start(ME, IN_BROWSER)
      const [redirect] = redirects
      if (what === 'timed out') {
        pass(10 * MINUTE)
        await beat()
      } else {
        answers.push(what === 'declined' ? declined() : granted({ subject: ada }))
        await redirect?.onCallback(callback('state-1', 'code=c-1'))
      }
      const sent = [...requests]
      const page = await redirect?.onCallback(callback('state-1', 'code=c-2'))
      expect(page).toMatchObject({ ok: false, title: 'This sign-in has ended' })
      expect(page?.text).toContain(words)
      expect(page?.text).toContain(code)
      expect(page?.text).toContain('start with "evo-token login evo-me"')
      expect(requests).toEqual(sent)
    },
  )

  it('that is refused says on its page how to go on', async () => {
    const { answers, broker, redirects } = await signedOut()
    await broker.signIns.start(ME, IN_BROWSER)
    answers.push(declined())
    const page = await redirects[0]?.onCallback(callback('state-1'))
    expect(page).toEqual({
      ok: false,
      title: 'Not signed in',
      text: 'The person said no. Either you declined, or your account may not use this app. (access_denied) To sign in again, start with "evo-token login evo-me".',
    })
  })

  it.each(['a newer sign-in', 'a logout', 'the end of the daemon'])(
    'closes the port at once at %s, also while its last page is shown',
    async (why) => {
      const { answers, broker, closed, redirects } = await signedOut()
      await broker.signIns.start(ME, IN_BROWSER)
      answers.push(declined())
      await redirects[0]?.onCallback(callback('state-1'))
      if (why === 'a newer sign-in') await broker.signIns.start(ME, IN_BROWSER)
      else if (why === 'a logout') await broker.logout(ME)
      else broker.signIns.close()
      expect(closed).toEqual(['state-1'])
    },
  )

  it('that a person gives up while its code is at the server closes the port at once, and still succeeds', async () => {
    const { answers, broker, closed, redirects } = await signedOut()
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    const closedMeanwhile: string[] = []
    answers.push(() => {
      broker.signIns.end(ME, id)
      closedMeanwhile.push(...closed)
      return granted()
    })
    expect(await redirects[0]?.onCallback(callback('state-1'))).toMatchObject({ ok: true })
    expect(closedMeanwhile).toEqual(['state-1'])
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject({ status: 'succeeded' })
  })

  it('that a person gives up ends, and closes the port at once', async () => {
    const { broker, closed, redirects, requests } = await signedOut()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    broker.signIns.end(ME, started.id)
    broker.signIns.end(ME, started.id)
    expect(closed).toEqual(['state-1'])
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({ error: 'cancelled' })
    expect(await redirects[0]?.onCallback(callback('state-1'))).toMatchObject({ ok: false })
    expect(requests).toEqual([])
    expect(() => {
      broker.signIns.end('evo-other', started.id)
    }).toThrow('no such sign-in')
  })

  it.each([
    ['onVisit', { visited: true, httpsTried: false }],
    ['onHttps', { visited: false, httpsTried: true }],
  ] as const)('tells what is known of its browser: %s', async (event, news) => {
    const { broker, redirects } = await signedOut()
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    const nothing = { status: 'pending', visited: false, httpsTried: false }
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject(nothing)
    redirects[0]?.[event]?.()
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject({ status: 'pending', ...news })
  })

  it('ends when its link is opened twice', async () => {
    const { broker, redirects } = await signedOut()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    redirects[0]?.onSecondVisit()
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({ error: 'link_reused' })
  })

  it('ends by itself after ten minutes', async () => {
    const { beat, broker, pass } = await signedOut()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    pass(10 * MINUTE - 1)
    await beat()
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({ status: 'pending' })
    pass(1)
    await beat()
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({ error: 'timeout' })
  })

  it('ends with the logout that is asked for meanwhile', async () => {
    const { broker, redirects, requests } = await signedIn()
    const started = await broker.signIns.start(ME, IN_BROWSER)
    await broker.logout(ME)
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({ error: 'cancelled' })
    expect(await redirects[0]?.onCallback(callback('state-1'))).toMatchObject({ ok: false })
    expect(requests).toEqual([])
  })
})

describe('a pasted URL', () => {
  const redirectUris = ['https://app.example/signed-in']

  it('completes a sign-in whose redirect URI is not on this machine', async () => {
    const { answers, broker } = await signedOut({ redirectUris })
    const started = await broker.signIns.start(ME, IN_BROWSER)
    expect(started).toMatchObject({ openUrl: null })
    answers.push(granted())
    const url = 'https://app.example/signed-in?code=c-1&state=state-1'
    // The fake listener numbers states by the redirects that it listens on.
    expect(await broker.signIns.paste(ME, started.id, url)).toMatchObject({ status: 'succeeded' })
  })

  it.each([
    ['of a browser that insists on https:', 'https://localhost:3000/signin-callback'],
    ['of a browser that shows no http://', 'localhost:3000/signin-callback'],
  ])('%s completes it', async (_, address) => {
    const { answers, broker } = await signedOut()
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    answers.push(granted())
    const url = `${address}?code=c-1&state=state-1`
    expect(await broker.signIns.paste(ME, id, url)).toMatchObject({ status: 'succeeded' })
  })

  const AT_HOME = 'http://localhost:3000/signin-callback?code=c-1&state=state-1'

  it.each([
    ['in quotation marks', `"${AT_HOME}"`],
    ['in a Markdown link', `[${AT_HOME}](${AT_HOME})`],
    ['with what does not show', `\u00a0${AT_HOME}\u200b`],
    ['behind the view-source: of a browser', `view-source:${AT_HOME}`],
  ])('%s completes it', async (_, address) => {
    const { answers, broker } = await signedOut()
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    answers.push(granted())
    expect(await broker.signIns.paste(ME, id, address)).toMatchObject({ status: 'succeeded' })
  })

  it.each([
    ['of an earlier sign-in', AT_HOME.replace('state-1', 'earlier'), 'is not of this sign-in'],
    ['to be opened', 'https://issuer.example/a?state=state-1', 'on the way to the sign-in'],
    ['that a program has led on from', 'http://localhost:3000/login', 'that this sign-in ends at'],
    ['that is none', 'c-1', 'that this sign-in ends at'],
  ])('%s is refused as what it is', async (_, address, says) => {
    const { broker } = await signedOut()
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    const refused = broker.signIns.paste(ME, id, address)
    await expect(refused).rejects.toThrow(says)
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject({ status: 'pending' })
  })

  it.each([
    'not a url',
    'https://app.example/signed-in?code=c-1',
    'app.example/signed-in?code=c-1&state=state-1',
    'https://app.example/signed-in?code=c-1&state=another',
    'https://app.example/signed-in?code=c-1&state=state-1&state=state-1',
    'https://evil.example/signed-in?code=c-1&state=state-1',
    'http://app.example/signed-in?code=c-1&state=state-1',
  ])("that is not this sign-in's changes nothing: %s", async (url) => {
    const { broker } = await signedOut({ redirectUris })
    const { id } = await broker.signIns.start(ME, IN_BROWSER)
    await expect(broker.signIns.paste(ME, id, url)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject({ status: 'pending' })
  })
})

describe('a sign-in on another device', () => {
  const PENDING = unavailable({ failure: { code: 'authorization_pending', message: '' } })

  it('is polled at the interval until the person is done', async () => {
    const { answers, beat, broker, pass, requests } = await signedOut()
    const started = await broker.signIns.start(ME, ON_DEVICE)
    expect(started).toMatchObject({ method: 'device', userCode: 'ABCD-EFGH' })
    answers.push(PENDING, granted({ subject: ada }))
    await beat()
    expect(requests).toEqual([])
    pass(5 * SECOND)
    await beat()
    await beat()
    expect(requests).toEqual(['poll'])
    pass(5 * SECOND)
    await beat()
    expect(await broker.signIns.wait(ME, started.id, 0)).toMatchObject({
      status: 'succeeded',
      subject: 'ada@example.org',
    })
  })

  it('is polled more slowly after a poll without an answer', async () => {
    const { answers, beat, broker, pass, requests } = await signedOut()
    await broker.signIns.start(ME, ON_DEVICE)
    answers.push(unavailable(), PENDING)
    pass(5 * SECOND)
    await beat()
    pass(5 * SECOND)
    await beat()
    expect(requests).toHaveLength(1)
    pass(5 * SECOND)
    await beat()
    expect(requests).toHaveLength(2)
  })
})

describe('a sign-in that still waits for the authorization server', () => {
  /** The browser's way opens a port. */
  async function starting(method: 'browser' | 'device') {
    const world = await signedIn()
    let answer: () => void = () => undefined
    world.directions.next = new Promise<void>((resolve) => (answer = resolve))
    const started = world.broker.signIns.start(ME, { method, switchUser: false })
    await settle()
    return { ...world, started: started.catch((error: unknown) => error), answer }
  }

  it.each(['browser', 'device'] as const)(
    'opens no port once the daemon stops: %s',
    async (method) => {
      const { answer, broker, redirects, started } = await starting(method)
      const stopped = broker.stop()
      answer()
      expect(await started).toMatchObject({ code: 'stopping' })
      await stopped
      expect(redirects).toEqual([])
      await expect(broker.signIns.start(ME, IN_BROWSER)).rejects.toMatchObject({ code: 'stopping' })
      expect(redirects).toEqual([])
    },
  )

  it.each([
    ['is signed out', (broker: Broker) => broker.logout(ME)],
    ['leaves the config', (broker: Broker) => broker.reload([])],
  ])('opens no port once the app %s', async (_, change) => {
    const { answer, broker, redirects, started } = await starting('browser')
    await change(broker)
    answer()
    expect(await started).toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('evo-token login evo-me') as string,
    })
    expect(redirects).toEqual([])
  })

  it('closes the port that it had just opened', async () => {
    const world = await signedIn()
    const { broker, closed, ports, redirects } = world
    let open: () => void = () => undefined
    ports.opened = new Promise<void>((resolve) => (open = resolve))
    const started = broker.signIns.start(ME, IN_BROWSER).catch((error: unknown) => error)
    await settle()
    expect(redirects).toHaveLength(1)
    const stopped = broker.stop()
    open()
    expect(await started).toMatchObject({ code: 'stopping' })
    await stopped
    expect(closed).toEqual(['state-1'])
  })

  it('is not ended by an older one that starts at last', async () => {
    const { broker, directions, redirects } = await signedIn()
    const answers: (() => void)[] = []
    const begin = async () => {
      directions.next = new Promise<void>((resolve) => answers.push(resolve))
      const started = broker.signIns.start(ME, IN_BROWSER)
      await settle()
      return { started }
    }
    const older = await begin()
    const newer = await begin()
    answers[0]?.()
    const { id } = await older.started
    answers[1]?.()
    const next = await newer.started
    expect(redirects).toHaveLength(2)
    expect(await broker.signIns.wait(ME, id, 0)).toMatchObject({ error: 'cancelled' })
    expect(await broker.signIns.wait(ME, next.id, 0)).toMatchObject({ status: 'pending' })
  })
})

describe('what cannot sign in', () => {
  it('is a service app', async () => {
    const { broker } = createWorld({ apps: [serviceApp()] })
    await broker.open()
    await expect(broker.signIns.start('evo-pipeline', IN_BROWSER)).rejects.toMatchObject({
      code: 'invalid_request',
      hint: expect.stringContaining('evo-token secret') as string,
    })
  })

  it('is a web app whose client secret is missing', async () => {
    const { broker } = await signedOut({
      type: 'web',
      tokenEndpointAuthMethod: 'client_secret_post',
    })
    await expect(broker.signIns.start(ME, IN_BROWSER)).rejects.toMatchObject({
      code: 'misconfigured',
    })
    await broker.putClientSecret(ME, new Secret('web-secret'))
    await settle()
    await expect(broker.signIns.start(ME, IN_BROWSER)).resolves.toBeDefined()
  })

  it('is asked for under an id that does not exist', async () => {
    const { broker } = await signedOut()
    await expect(broker.signIns.wait(ME, 'nope', 0)).rejects.toMatchObject({ code: 'not_found' })
  })
})
