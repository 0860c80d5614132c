/** Forging, stealing and ending a sign-in from outside, with a real daemon and real servers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../faults/owner.ts'
import {
  CLIENTS,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { noOtherUser, sendAsOther, visitAsOther } from './other-user.ts'
import {
  APP,
  completesAsAda,
  nativeApp,
  newRedirectUri,
  SCOPES,
  startVictim,
  type Victim,
} from './victim.ts'

/** Another app of the same server, and one of a server that is up to no good. */
const SECOND_APP = 'evo-too'
const EVIL_APP = 'evo-evil'

let evil: RunningAuthorizationServer
let victim: Victim
let redirectUri: string

beforeAll(async () => {
  redirectUri = await newRedirectUri()
  const redirectUris = [redirectUri]
  evil = await startAuthorizationServer({ redirectUris })
  const second = { type: 'spa', clientId: CLIENTS.spa.clientId, redirectUris, scopes: SCOPES }
  const moreApps = { [SECOND_APP]: second, [EVIL_APP]: nativeApp(evil.issuer, redirectUri) }
  victim = await startVictim({ redirectUri, moreApps })
})

afterAll(async () => {
  await Promise.all([victim[Symbol.asyncDispose](), evil.close()])
})

beforeEach(async () => {
  for (const app of [APP, SECOND_APP]) {
    await ask(victim.daemon.socket, `/v1/apps/${app}/logout`, 'POST')
  }
})

function changed(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const result = new URL(url)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) result.searchParams.delete(name)
    else result.searchParams.set(name, value)
  }
  return result.href
}

async function visit(url: string) {
  return createPerson('ada').visit(url)
}

describe('a response at the redirect URI', () => {
  it('finds no listener while no sign-in is under way', async () => {
    await expect(visit(`${redirectUri}?code=stolen&state=guessed`)).rejects.toThrow('ECONNREFUSED')
  })

  it('with a state that was guessed, left out or used before changes nothing', async () => {
    const earlier = await victim.startSignIn()
    const replayed = await victim.callbackOf('mallory', earlier.authorizationUrl)
    await completesAsAda(earlier)

    const started = await victim.startSignIn()
    const before = await victim.standing()
    for (const url of [
      `${redirectUri}?code=stolen&state=guessed`,
      `${redirectUri}?code=stolen`,
      `${redirectUri}?error=access_denied&state=guessed`,
      replayed,
    ]) {
      expect(await visit(url)).toMatchObject({ status: 400 })
    }
    expect(await started.status()).toMatchObject({ status: 'pending' })
    expect(await victim.standing()).toEqual(before)
    await completesAsAda(started)
  })

  it('with the state of another app signs neither in, and the right one still can', async () => {
    const before = victim.server.liveFamilies()
    const [mine, other] = [await victim.startSignIn(), await victim.startSignIn(SECOND_APP)]
    const callback = await victim.callbackOf('ada', mine.authorizationUrl)
    expect(await visit(changed(callback, { state: other.state }))).toMatchObject({ status: 400 })
    expect(await other.status('wait')).toMatchObject({ status: 'failed', error: 'invalid_grant' })
    expect(await mine.status()).toMatchObject({ status: 'pending' })
    expect(victim.server.liveFamilies()).toEqual(before)
    expect((await visit(callback)).status).toBe(200)
    expect(await mine.status('wait')).toMatchObject({ subject: 'ada@example.com' })
  })

  it('of an honest server never has its code sent to the one that led a person there', async () => {
    const started = await victim.startSignIn(EVIL_APP)
    // The evil server answers its own authorization request with a way to the honest one.
    const { searchParams } = new URL(started.authorizationUrl)
    const honest = await victim.startSignIn()
    const detour = changed(honest.authorizationUrl, {
      state: started.state,
      code_challenge: searchParams.get('code_challenge') ?? '',
    })
    const callback = await victim.callbackOf('ada', detour)
    expect(new URL(callback).searchParams.get('iss')).toBe(victim.server.issuer)

    const asked = victim.server.count('authorization_code')
    expect(await visit(callback)).toMatchObject({ status: 400 })
    expect(await started.status('wait')).toMatchObject({ error: 'invalid_issuer' })
    expect(evil.requests).toEqual([])
    expect(victim.server.count('authorization_code')).toBe(asked)
    await completesAsAda(honest)
  })

  it.each([
    { of: 'another server', iss: () => evil.issuer },
    { of: 'nobody', iss: () => undefined },
  ])('said to come from $of signs no person in', async ({ iss }) => {
    const started = await victim.startSignIn()
    const asked = victim.server.count('authorization_code')
    const callback = await victim.callbackOf('mallory', started.authorizationUrl)
    expect(await visit(changed(callback, { iss: iss() }))).toMatchObject({ status: 400 })
    expect(await started.status('wait')).toMatchObject({ error: 'invalid_issuer' })
    expect(victim.server.count('authorization_code')).toBe(asked)
  })
})

describe('a pasted address', () => {
  it.each([
    { lacks: 'the end', change: (url: string) => url.slice(0, -5) },
    { lacks: 'the issuer', change: (url: string) => changed(url, { iss: undefined }) },
    { lacks: 'the code', change: (url: string) => changed(url, { code: undefined }) },
    { lacks: 'its own issuer', change: (url: string) => changed(url, { iss: evil.issuer }) },
  ])('that lacks $lacks changes nothing, and the whole one signs in', async ({ change }) => {
    const started = await victim.startSignIn()
    const callback = await victim.callbackOf('ada', started.authorizationUrl)
    const asked = victim.server.count('authorization_code')
    expect(await started.paste(change(callback))).toMatchObject({
      error: 'invalid_request',
      hint: expect.stringContaining('whole address') as string,
    })
    expect(victim.server.count('authorization_code')).toBe(asked)
    expect(await started.paste(`<${callback}>`)).toMatchObject({ status: 'succeeded' })
  })
})

describe('the link of a sign-in', () => {
  it('that another person opened before ends it, and that person is not signed in', async () => {
    const before = victim.server.liveFamilies()
    const started = await victim.startSignIn()
    const thief = createPerson('mallory')
    const { url } = await thief.visit(started.openUrl, { stopAt: victim.server.issuer })
    expect(await visit(started.openUrl)).toMatchObject({
      status: 410,
      text: expect.stringContaining('another person or program saw the link') as string,
    })
    expect(await started.status('wait')).toMatchObject({ error: 'link_reused' })
    const asked = victim.server.count('authorization_code')
    expect((await thief.visit(url)).text).toContain('This sign-in has ended')
    expect(victim.server.count('authorization_code')).toBe(asked)
    expect(victim.server.liveFamilies()).toEqual(before)
  })

  it('never signs another person in over the one who is', async () => {
    await completesAsAda(await victim.startSignIn())
    const before = victim.server.liveFamilies()
    const started = await victim.startSignIn()
    await createPerson('mallory').visit(started.openUrl)
    expect(await started.status('wait')).toMatchObject({ error: 'other_subject' })
    expect(victim.server.liveFamilies()).toEqual(before)
  })
})

describe('another user of the machine', () => {
  const itWithOther = itNeeds(noOtherUser)

  itWithOther(
    'who is first with the link gets nowhere, and the person signs in by it',
    async () => {
      const started = await victim.startSignIn()
      const answer = await visitAsOther(started.openUrl)
      expect(answer).toMatchObject({ status: 403 })
      expect(answer.text).not.toContain(started.state)
      await completesAsAda(started)
    },
  )

  itWithOther('who is second with the link does not end the sign-in', async () => {
    const started = await victim.startSignIn()
    const ada = createPerson('ada')
    const { url } = await ada.visit(started.openUrl, { stopAt: victim.server.issuer })
    expect(await visitAsOther(started.openUrl)).toMatchObject({ status: 403 })
    expect(await started.status()).toMatchObject({ status: 'pending' })
    expect((await ada.visit(url)).text).toContain('Signed in')
    expect(await started.status('wait')).toMatchObject({ subject: 'ada@example.com' })
  })

  itWithOther('who knows all of it cannot bring an answer of their own', async () => {
    const { daemon } = victim
    const started = await victim.startSignIn()
    const callback = await victim.callbackOf('mallory', started.authorizationUrl)
    expect(await visitAsOther(callback)).toMatchObject({ status: 403 })

    // Gone before the daemon looks: most kernels then say that the connection is root's.
    process.kill(daemon.pid, 'SIGSTOP')
    await sendAsOther(callback)
    process.kill(daemon.pid, 'SIGCONT')
    await daemon.logged(({ peer }) => (peer as { kind?: string } | undefined)?.kind === 'gone')

    expect(await started.status()).toMatchObject({ status: 'pending' })
    await completesAsAda(started)
  })
})
