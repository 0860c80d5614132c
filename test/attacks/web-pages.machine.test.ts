/** What web pages of others try, in a real browser, with the daemon and with a sign-in under way. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { goodToken, signIn } from '../faults/owner.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { completeInBrowser, noBrowser, startBrowser, statusesOf } from './browser.ts'
import { startRecorder } from './recorder.ts'
import { APP, newRedirectUri, startVictim, type Victim } from './victim.ts'

const itInBrowser = itNeeds(noBrowser)

const READABLE = ['/healthz', `/v1/apps/${APP}/token`, '/v1/events']
const WRITABLE = ['refresh', 'logout', 'login'].map((what) => `/v1/apps/${APP}/${what}`)
/** Where a page can send a browser that knows nothing of the sign-in. */
const GUESSES = ['/signin-callback?code=stolen&state=guessed', '/.well-known/evo-token/guessed']

let browser: Browser
let redirectUri: string
let victim: Victim

beforeAll(async () => {
  if (noBrowser !== undefined) return
  redirectUri = await newRedirectUri()
  ;[browser, victim] = await Promise.all([startBrowser(), startVictim({ redirectUri })])
  await signIn(victim.daemon.socket, APP, createPerson('ada'))
})

afterAll(async () => {
  if (noBrowser !== undefined) return
  await Promise.all([browser.close(), victim[Symbol.asyncDispose]()])
})

async function newPage(): Promise<Page> {
  // Another program's page would not have our policy, even where it has the origin of our answers.
  return browser.newPage({ bypassCSP: true })
}

/** Lets the page be a hostile one, of the origin of `url`. */
async function enter(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.addScriptTag({ path: join(import.meta.dirname, 'hostile-page.js') })
}

function at(origin: string, paths: readonly string[]): string[] {
  return paths.map((path) => origin + path)
}

function pathOf(url: string): string {
  return url.slice(new URL(url).origin.length)
}

/** Every try of these kinds at these URLs, with an access key that the page somehow knows. */
async function attack(page: Page, kinds: string, urls: readonly string[]): Promise<string[]> {
  const asked = JSON.stringify(urls)
  return page.evaluate<string[]>(
    `attack([${kinds}], ${asked}, ${JSON.stringify(victim.accessKey)})`,
  )
}

/** Puts another address in the place of the page, and waits until it is there. */
async function leave(page: Page, url: string, how: string): Promise<void> {
  await Promise.all([page.waitForURL(url), page.evaluate(`{ const url = "${url}"; ${how} }`)])
}

describe('a page of another origin, even one that knows an access key,', () => {
  itInBrowser('gets nothing but refusals, and changes nothing', async () => {
    const { daemon } = victim
    const port = Number(new URL(daemon.url).port)
    const target = `http://localhost:${port}`
    const hostile = `http://evil.test:${port}/page`
    const token = await goodToken(daemon.socket, APP)
    const before = await victim.standing()
    await using recorder = await startRecorder(port)

    const page = await newPage()
    await enter(page, hostile)
    const learned = [
      ...(await attack(page, 'READS, FRAME', at(target, READABLE))),
      ...(await attack(page, 'WRITES', at(target, WRITABLE))),
    ]
    await leave(page, `${target}/v1/apps/${APP}/logout`, 'submit(url, "_self", JSON_FORM)')
    await enter(page, hostile)
    await leave(page, `${target}/healthz`, 'follow(url)')

    expect(recorder.summary()).toEqual([
      'GET document: 403',
      'GET empty: 403',
      'GET iframe: 403',
      'GET image: 403',
      'GET object: 403',
      'GET script: 403',
      'GET style: 403',
      'GET video: 403',
      'GET websocket: 403',
      'OPTIONS empty: 403',
      'POST document: 403',
      'POST empty: 403',
      'POST iframe: 403',
    ])
    expect(JSON.stringify([recorder.exchanges, learned])).not.toContain(token)
    expect(await victim.standing()).toEqual(before)
  })
})

describe('a page whose name was rebound to 127.0.0.1, even one that knows an access key,', () => {
  itInBrowser('gets nothing but refusals, and changes nothing', async () => {
    const { daemon } = victim
    const origin = `http://rebound.test:${new URL(daemon.url).port}`
    const token = await goodToken(daemon.socket, APP)
    const before = await victim.standing()
    const page = await newPage()
    await enter(page, `${origin}/`)
    const answers = statusesOf(page)
    const learned = [
      ...(await attack(page, 'READS, FRAME', at(origin, READABLE))),
      ...(await attack(page, 'WRITES', at(origin, WRITABLE))),
    ]
    await leave(page, `${origin}/v1/apps/${APP}/logout`, 'submit(url, "_self", JSON_FORM)')

    // Nothing hides the answers from a page of the same origin.
    expect(learned).toContainEqual(expect.stringMatching(/^fetch with a key: basic 421 /))
    expect(learned).toContainEqual(expect.stringMatching(/^fetch DELETE: basic 421 /))
    expect(learned).toContain('WebSocket: WebSocket error')
    expect([...answers]).toEqual([421])
    expect(JSON.stringify(learned)).not.toContain(token)
    expect(await victim.standing()).toEqual(before)
  })
})

describe('a page of another origin, even one that knows the state of a sign-in under way,', () => {
  itInBrowser('neither forges it nor ends it, and the person completes it', async () => {
    const { port, origin } = new URL(redirectUri)
    const hostile = `http://evil.test:${port}/page`
    const started = await victim.startSignIn()
    const before = await victim.standing()
    await using recorder = await startRecorder(Number(port))

    const known = [`${redirectUri}?code=stolen&state=${started.state}`, started.openUrl]
    const page = await newPage()
    await enter(page, hostile)
    await attack(page, 'READS, FRAME, WRITES', known)
    for (const path of GUESSES) {
      await enter(page, hostile)
      await leave(page, origin + path, 'follow(url)')
    }
    await enter(page, `http://rebound.test:${port}/`)
    const answers = statusesOf(page)
    await attack(page, 'READS', at(`http://rebound.test:${port}`, known.map(pathOf)))

    expect(recorder.summary()).toEqual([
      'GET document: 400',
      'GET document: 404',
      'GET empty: 403',
      'GET iframe: 403',
      'GET image: 403',
      'GET object: 403',
      'GET script: 403',
      'GET style: 403',
      'GET video: 403',
      'GET websocket: 403',
      'OPTIONS empty: 405',
      'POST empty: 405',
      'POST iframe: 405',
    ])
    expect([...answers]).toEqual([421])
    expect(await started.status()).toMatchObject({ status: 'pending' })
    expect(await victim.standing()).toEqual(before)

    const text = await completeInBrowser(browser, started.openUrl, redirectUri)
    expect(text).toContain('Signed in')
    expect(await started.status('wait')).toMatchObject({
      status: 'succeeded',
      subject: 'ada@example.com',
    })
  })
})
