/** What others try with the door of the page: other pages in a real browser, other users, and those who have its link or its key. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noOtherUser, runAs } from '../attacks/as-nobody.ts'
import { noBrowser, startBrowser, statusesOf } from '../attacks/browser.ts'
import { routesOf, routesOfPage } from '../../src/http/app.ts'
import { PageKeys } from '../../src/http/page-keys.ts'
import { recordedDeps } from '../http/doors.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { runCli } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { type Scene, wellScene } from './scenes.ts'

const itInBrowser = itNeeds(noBrowser)
const itAsAnother = itNeeds(noOtherUser)

let server: RunningAuthorizationServer
let scene: Scene
let browser: Browser

beforeAll(async () => {
  server = await startAuthorizationServer()
  scene = await wellScene(server)
  if (noBrowser === undefined) browser = await startBrowser()
})

afterAll(async () => {
  await Promise.all([browser.close(), scene[Symbol.asyncDispose](), server.close()])
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** On a connection of its own. */
async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  body?: string,
): Promise<Answer> {
  const asked = request(url, { method, headers, agent: false }).end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
}

/** As a person's browser opens the link. */
async function visit(link: string): Promise<{ key: string; answer: Answer }> {
  const answer = await ask(link, { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })
  const key = /name="evo-token-page-key" content="([^"]+)"/.exec(answer.body)?.[1] ?? ''
  return { key, answer }
}

async function openPage(): Promise<{ origin: string; headers: Record<string, string> }> {
  const link = await scene.link()
  const { key } = await visit(link)
  return {
    origin: new URL(link).origin,
    headers: { 'evo-token-page-key': key, 'sec-fetch-site': 'same-origin' },
  }
}

it('answers a request with a body that is the first of its connection', async () => {
  const { origin, headers } = await openPage()
  const asked = { ...headers, origin, 'content-type': 'application/json' }
  const answer = await ask(`${origin}/v1/apps/evo-none/logout`, asked, 'POST', '{}')
  expect(answer).toMatchObject({ status: 404 })
  expect(answer.body).toContain('unknown_app')
})

describe('the one-time link', () => {
  it('gives a key of 256 bits, once; the second visit is refused, told, and ends what the first opened', async () => {
    const link = await scene.link()
    const { key } = await visit(link)
    expect(Buffer.from(key, 'base64url')).toHaveLength(32)
    const origin = new URL(link).origin
    const headers = { 'evo-token-page-key': key, 'sec-fetch-site': 'same-origin' }
    expect((await ask(`${origin}/v1/apps`, headers)).status).toBe(200)
    const second = await visit(link)
    expect(second.key).toBe('')
    expect(second.answer.status).toBe(410)
    expect(second.answer.body).toContain('used before')
    expect((await ask(`${origin}/v1/apps`, headers)).status).toBe(401)
    const { stdout } = await runCli(scene.home, ['activity', '--since', '1m'])
    expect(stdout).toContain('opened a second time and refused')
  })

  it('is not used up by a look ahead, a script or a frame', async () => {
    const link = await scene.link()
    expect((await ask(link, { 'sec-purpose': 'prefetch' })).status).toBe(503)
    expect((await ask(link, { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })).status).toBe(
      403,
    )
    expect((await ask(link, { 'sec-fetch-dest': 'iframe' })).status).toBe(403)
    expect((await visit(link)).key).not.toBe('')
  })

  it('and the page are opened by a browser with 150 KB of cookies of other programs', async () => {
    const cookie = Array.from({ length: 40 }, (_, at) => `theirs-${at}=${'x'.repeat(3_900)}`)
    const headers = { cookie: cookie.join('; ') }
    const link = await scene.link()
    expect((await ask(link, headers)).status).toBe(200)
    expect((await ask(`${new URL(link).origin}/`, headers)).status).toBe(200)
  })

  itAsAnother('is nothing to another user of the machine', async () => {
    const link = await scene.link()
    const { stdout } = await runAs('nobody', ['curl', '-s', '-w', '%{http_code}', link])
    expect(stdout).toMatch(/403$/)
    expect(stdout).not.toContain('evo-token-page-key" content')
    expect((await visit(link)).key).not.toBe('')
  })
})

describe('the door of the page', () => {
  it('answers under its own address alone', async () => {
    const { origin, headers } = await openPage()
    const { port } = new URL(origin)
    for (const host of [`localhost:${port}`, 'rebound.test', `127.0.0.1`, `[::1]:${port}`]) {
      expect((await ask(`${origin}/v1/apps`, { ...headers, host })).status, host).toBe(421)
      expect((await ask(`${origin}/`, { host })).status, host).toBe(421)
    }
  })

  it.each([
    ['no header of a browser', { 'sec-fetch-site': '' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port', { 'sec-fetch-site': 'same-site' }],
    ['a foreign origin', { origin: 'http://127.0.0.1:1' }],
    ['an origin of null', { origin: 'null' }],
  ])('refuses, even with the key, %s', async (_what, change) => {
    const { origin, headers } = await openPage()
    const answer = await ask(`${origin}/v1/apps`, { ...headers, ...change })
    expect(answer.status).toBe(403)
  })

  it('refuses a POST that does not name our origin', async () => {
    const { origin, headers } = await openPage()
    const path = `${origin}/v1/apps/evo-me/renew`
    expect((await ask(path, headers, 'POST')).status).toBe(403)
    expect((await ask(path, { ...headers, origin }, 'POST')).status).toBe(200)
  })

  it('refuses without the key, with a wrong one, and with an access key', async () => {
    const { origin, headers } = await openPage()
    for (const key of ['', 'x', 'evtk_'.padEnd(48, 'a')]) {
      const answer = await ask(`${origin}/v1/apps`, { ...headers, 'evo-token-page-key': key })
      expect(answer.status).toBe(401)
    }
  })

  it('serves the page without a key, and nothing else', async () => {
    const { origin } = await openPage()
    const { status, body, headers } = await ask(`${origin}/`)
    expect(status).toBe(200)
    expect(body).not.toContain('evo-token-page-key')
    expect(headers['set-cookie']).toBeUndefined()
    const foreign = { 'sec-fetch-site': 'cross-site' }
    expect((await ask(`${origin}/`, foreign)).status).toBe(403)
    expect((await ask(`${origin}/page.js`, foreign)).status).toBe(403)
  })

  it('forbids what it does not need: inline script, frames, other origins, referrers', async () => {
    const { origin } = await openPage()
    const { headers } = await ask(`${origin}/`)
    const policy = String(headers['content-security-policy'])
    for (const rule of [
      "default-src 'none'",
      "script-src 'self';",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(`${policy};`).toContain(rule)
    }
    expect(policy).not.toContain('unsafe')
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
  })

  it('has no route that serves a token or a key, nor one that makes a caller', async () => {
    const { deps } = recordedDeps()
    const service = {
      about: () => ({}),
      end: () => undefined,
      startDoctor: () => Promise.resolve(Readable.from([])),
    }
    const paths = routesOfPage(deps, service).map(({ method, path }) => `${method} ${path}`)
    expect(paths.sort()).toEqual([
      'delete /v1/apps/{app}/login/{id}',
      'delete /v1/page',
      'get /v1/activity',
      'get /v1/activity/hours',
      'get /v1/apps',
      'get /v1/apps/{app}/login/{id}',
      'get /v1/callers',
      'get /v1/events',
      'get /v1/page',
      'post /v1/apps/{app}/login',
      'post /v1/apps/{app}/logout',
      'post /v1/apps/{app}/renew',
      'post /v1/doctor',
    ])
    const { origin, headers } = await openPage()
    for (const { method, path } of routesOf(deps)) {
      if (paths.includes(`${method} ${path}`)) continue
      const url = origin + path.replace('{app}', 'evo-me').replace('{name}', 'notebook')
      const { status, body } = await ask(url, { ...headers, origin }, method.toUpperCase())
      expect([404, 405], `${method} ${path}`).toContain(status)
      expect(body).not.toMatch(/access_token|evtk_/)
    }
    const { body } = await ask(`${origin}/v1/apps/evo-me/renew`, { ...headers, origin }, 'POST')
    expect(JSON.parse(body)).not.toHaveProperty('access_token')
  })
})

describe('a page of another origin', () => {
  itInBrowser(
    'reads nothing of the door, and cannot frame it, even where it knows the key',
    async () => {
      const { origin, headers } = await openPage()
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.route('http://evil.test/', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }),
      )
      await page.goto('http://evil.test/')
      const answers = statusesOf(page)
      const attempts = `Promise.all([
      fetch('${origin}/v1/apps', { headers: ${JSON.stringify(headers)} }),
      fetch('${origin}/', { mode: 'no-cors' }).then((a) => a.text()),
      fetch('${origin}/page.js', { mode: 'no-cors' }).then((a) => a.text()),
    ].map((one) => one.then((a) => String(a), () => 'refused')))`
      const learned = await page.evaluate<string[]>(attempts)
      expect(learned.join('')).not.toContain('evo')
      await page.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe')
      frame.src = '${origin}/'
      frame.onload = frame.onerror = () => resolve()
      document.body.append(frame)
    })`)
      expect([...answers].filter((status) => status < 400)).toEqual([])
      await context.close()
    },
  )

  itInBrowser('is refused where its name was rebound to this machine', async () => {
    const { origin } = await openPage()
    const context = await browser.newContext()
    const page = await context.newPage()
    const answer = await page.goto(`http://rebound.test:${new URL(origin).port}/`)
    expect(answer?.status()).toBe(421)
    await context.close()
  })
})

describe('the files of the page', () => {
  it('are 120 kB at most, compressed', () => {
    const directory = join(import.meta.dirname, '../../dist/web')
    const bytes = readdirSync(directory).map(
      (name) => gzipSync(readFileSync(join(directory, name))).length,
    )
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(120_000)
  })
})

describe('the key of a page', () => {
  const minutes = (count: number) => count * 60_000

  it('ends 15 minutes after the last request, and the door with it', () => {
    let now = 0
    const keys = new PageKeys(() => now)
    const redeemed = keys.redeem(keys.createLink())
    const key = redeemed.kind === 'key' ? redeemed.key : ''
    now += minutes(14)
    expect(keys.isKnown(key)).toBe(true)
    now += minutes(14)
    expect(keys.beat()).toBe(true)
    expect(keys.isKnown(key)).toBe(true)
    now += minutes(15)
    expect(keys.isKnown(key)).toBe(false)
    expect(keys.beat()).toBe(false)
  })

  it('is not given for a link that waited for 5 minutes', () => {
    let now = 0
    const keys = new PageKeys(() => now)
    const link = keys.createLink()
    now += minutes(5)
    expect(keys.redeem(link)).toEqual({ kind: 'unknown' })
    expect(keys.beat()).toBe(false)
  })
})
