/** The page in a browser where a web app has left its service worker at the address of the page's door. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { launchWithProfile, noBrowser } from '../attacks/browser.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { emptyScene } from './scenes.ts'

const itInBrowser = itNeeds(noBrowser)

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

const CLAIMS = `self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
`

const WORKERS = {
  // As the shell of a web app that works without a network.
  'answers every navigation itself': `${CLAIMS}
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate') return
  const headers = { 'Content-Type': 'text/html' }
  event.respondWith(new Response('<main>The shell of a web app</main>', { headers }))
})`,
  'passes everything on, and keeps it': `${CLAIMS}
self.addEventListener('fetch', (event) => {
  event.respondWith((async () => {
    const cache = await caches.open('kept')
    const answer = await fetch(event.request)
    await cache.put(event.request.url, answer.clone()).catch(() => undefined)
    return answer
  })())
})`,
}

/** A profile of a browser in which a page of `origin` has registered the worker. */
async function profileWith(worker: string, { host, origin }: URL): Promise<string> {
  const app = createServer(({ url }, response) => {
    const isWorker = url === '/sw.js'
    response
      .setHeader('Content-Type', isWorker ? 'text/javascript' : 'text/html')
      .end(isWorker ? worker : '<main>A web app</main>')
  }).listen(0, '127.0.0.1')
  await once(app, 'listening')
  const { port } = app.address() as AddressInfo
  const profile = await mkdtemp(join(tmpdir(), 'evo-token-profile-'))
  const rules = `--host-resolver-rules=MAP ${host} 127.0.0.1:${port}`
  const browser = await launchWithProfile(profile, [rules])
  const page = await browser.newPage()
  await page.goto(origin)
  expect(await page.innerText('main')).toBe('A web app')
  await page.evaluate(
    `navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => true)`,
  )
  await page.goto(`${origin}/again`)
  expect(await page.evaluate('navigator.serviceWorker.controller !== null')).toBe(true)
  await browser.close()
  app.close()
  app.closeAllConnections()
  return profile
}

describe('the page, where an old service worker', () => {
  for (const [what, worker] of Object.entries(WORKERS)) {
    itInBrowser(
      `${what}, opens all the same, and the worker is gone`,
      async () => {
        await using scene = await emptyScene(server)
        const link = await scene.link()
        const profile = await profileWith(worker, new URL(link))
        const browser = await launchWithProfile(profile)
        try {
          const page = await browser.newPage()
          await page.goto(link)
          // The browser asks for a newer worker when this one has rested for a while: here at once. What
          // it gets loads the page again, maybe before this has its answer.
          const update = `navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((one) => one.update())).then(() => true))`
          await page.evaluate(update).catch(() => undefined)
          await page.getByRole('status').getByText('live').waitFor({ timeout: 120_000 })
          await page.waitForFunction(
            `navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)`,
          )
          await page.reload()
          await page.getByRole('status').getByText('live').waitFor()
          expect(await page.evaluate('navigator.serviceWorker.controller')).toBeNull()
          expect(await page.evaluate('caches.keys()')).toEqual([])
        } finally {
          await browser.close()
          await rm(profile, { recursive: true, force: true })
        }
      },
      300_000,
    )
  }
})
