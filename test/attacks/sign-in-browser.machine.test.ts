/** Signing in with a real browser on a machine with a life of its own: what other programs left behind. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { launchBrowser, passSignInPages } from './browser.ts'
import { APP, newRedirectUri, startVictim, type Victim } from './victim.ts'

const noBrowser = missingCommands('chromium')
const itInBrowser = itNeeds(noBrowser)

let browser: Browser
let redirectUri: string
let victim: Victim

beforeAll(async () => {
  if (noBrowser !== undefined) return
  redirectUri = await newRedirectUri()
  ;[browser, victim] = await Promise.all([launchBrowser(), startVictim({ redirectUri })])
}, 300_000)

afterAll(async () => {
  if (noBrowser !== undefined) return
  await Promise.all([browser.close(), victim[Symbol.asyncDispose]()])
})

/** A web server in development, on the address to which the browser comes back. */
async function startDevServer(files: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer(({ url = '' }, response) => {
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.setHeader('Content-Type', type).end(files[url] ?? '<p>The page of a dev server</p>')
  })
  server.listen(Number(new URL(redirectUri).port), '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function stop(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

/** Answers every navigation of its origin with a page of its own, as the shell of a web app does. */
const GREEDY_WORKER = `self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate') return
  const headers = { 'Content-Type': 'text/html' }
  event.respondWith(new Response('<main>The shell of a web app</main>', { headers }))
})`

/** A browser in which a web app on that address has left its service worker. */
async function withGreedyWorker(): Promise<BrowserContext> {
  const dev = await startDevServer({ '/sw.js': GREEDY_WORKER })
  const { origin } = new URL(redirectUri)
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(origin)
  await page.evaluate(
    `navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => true)`,
  )
  await stop(dev)
  await page.goto(`${origin}/anything`)
  expect(await page.innerText('main')).toBe('The shell of a web app')
  await page.close()
  return context
}

async function endsSignedIn(page: Page): Promise<void> {
  await page.waitForFunction(`document.title === 'Signed in'`, undefined, { timeout: 120_000 })
}

describe('a person in a browser', () => {
  itInBrowser(
    'signs in although a web app has left a service worker that answers for the address',
    async () => {
      const context = await withGreedyWorker()
      const started = await victim.startSignIn()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await endsSignedIn(page)
      expect(await started.status('wait')).toMatchObject({ status: 'succeeded', visited: true })
      // The worker is gone for good.
      await page.goto(`${new URL(redirectUri).origin}/anything`)
      expect(await page.title()).toBe('Not found')
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'signs in with 150 KB of cookies of other programs on localhost',
    async () => {
      const context = await browser.newContext()
      const cookies = Array.from({ length: 40 }, (_, at) => ({
        name: `theirs-${at}`,
        value: 'x'.repeat(3_900),
        domain: 'localhost',
        path: '/',
      }))
      await context.addCookies(cookies)
      const started = await victim.startSignIn()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await endsSignedIn(page)
      expect(await started.status('wait')).toMatchObject({ status: 'succeeded' })
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'with more cookies than that sees a page of ours, and signs in with the address of it',
    async () => {
      const context = await browser.newContext()
      const cookies = Array.from({ length: 100 }, (_, at) => ({
        name: `theirs-${at}`,
        value: 'x'.repeat(3_900),
        domain: 'localhost',
        path: '/signin-callback',
      }))
      await context.addCookies(cookies)
      const started = await victim.startSignIn()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await page.waitForURL(`${redirectUri}?**`)
      expect(await page.innerText('h1')).toBe('Too many cookies')
      expect(await started.paste(page.url())).toMatchObject({ status: 'succeeded' })
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'may load the page again after the sign-in',
    async () => {
      const context = await browser.newContext()
      const started = await victim.startSignIn()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await endsSignedIn(page)
      const asked = victim.server.count('authorization_code')
      expect((await page.reload())?.status()).toBe(200)
      expect(await page.innerText('h1')).toBe('Signed in')
      expect(victim.server.count('authorization_code')).toBe(asked)
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'who cancels is told how to go on, also on loading the page again and on going back to sign in after all',
    async () => {
      const context = await browser.newContext()
      const started = await victim.startSignIn()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      const signInPage = page.url()
      await page.click('a[href$="/abort"]')
      await page.waitForURL(`${redirectUri}?**`)
      expect(await started.status('wait')).toMatchObject({ error: 'access_denied' })
      const shown = await page.innerText('main')
      expect(shown).toContain(`start with "evo-token login ${APP}"`)
      await page.reload()
      expect(await page.innerText('main')).toBe(shown)
      const asked = victim.server.count('authorization_code')
      await page.goto(started.authorizationUrl)
      expect(page.url()).not.toBe(signInPage)
      await passSignInPages(page)
      await page.waitForURL(`${redirectUri}?**code=**`)
      expect(await page.innerText('h1')).toBe('This sign-in has ended')
      expect(await page.innerText('main')).toContain(`start with "evo-token login ${APP}"`)
      await page.goto(started.openUrl)
      expect(await page.innerText('main')).toContain('start with "evo-token login"')
      expect(victim.server.count('authorization_code')).toBe(asked)
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'that tries https: is noticed, and signs in with http: after all',
    async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true })
      const started = await victim.startSignIn()
      const page = await context.newPage()
      const secure = started.openUrl.replace('http:', 'https:')
      await expect(page.goto(secure)).rejects.toThrow(/ERR_SSL/)
      expect(await started.status()).toMatchObject({ https_tried: true, visited: false })
      // The browser goes to its own page about the error by itself, and would break off another way.
      await page.waitForURL('chrome-error://**')
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await endsSignedIn(page)
      await context.close()
    },
    300_000,
  )

  itInBrowser(
    'signs in by the pasted address where a program has the port',
    async () => {
      // Of the last sign-in, whose page is still there.
      await ask(victim.daemon.socket, `/v1/apps/${APP}/logout`, 'POST')
      const dev = await startDevServer({})
      const started = await victim.startSignIn()
      expect(started.answer).toMatchObject({ listening: false, busy_port_user: 'own' })
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(started.openUrl)
      await passSignInPages(page)
      await page.waitForURL(`${redirectUri}?**`)
      expect(await page.innerText('p')).toBe('The page of a dev server')
      expect(await started.paste(page.url())).toMatchObject({ status: 'succeeded' })
      await context.close()
      await stop(dev)
    },
    300_000,
  )
})

describe('a sign-in that a person has given up', () => {
  itInBrowser(
    'leaves the port free at once, and the browser of it nowhere to go',
    async () => {
      const started = await victim.startSignIn()
      const callback = await victim.callbackOf('ada', started.authorizationUrl)
      expect(await started.giveUp()).toBe(204)
      const next = createTcpServer().listen(Number(new URL(redirectUri).port), '127.0.0.1')
      await once(next, 'listening')
      next.close()
      await once(next, 'close')
      await expect(createPerson('ada').visit(callback)).rejects.toThrow('ECONNREFUSED')
    },
    300_000,
  )
})
