/** The page while something changes beneath it, and a person who clicks more than is meant; in a real browser. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { noBrowser, startBrowser } from '../attacks/browser.ts'
import { nativeApp, seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type Home, runCli } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { type Scene, startScene, wellScene } from './scenes.ts'

const it = itNeeds(noBrowser)

const HOUR_MS = 3_600_000

let browser: Browser
let server: RunningAuthorizationServer
let context: BrowserContext
let page: Page

beforeAll(async () => {
  if (noBrowser !== undefined) return
  ;[browser, server] = await Promise.all([startBrowser(), startAuthorizationServer()])
})

afterAll(async () => {
  if (noBrowser !== undefined) return
  await Promise.all([browser.close(), server.close()])
})

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  page = await context.newPage()
})

afterEach(async () => {
  await context.close()
})

async function open(scene: Scene): Promise<void> {
  await page.goto(await scene.link())
  await untilLive()
}

const untilLive = () => page.getByRole('status').getByText('live').waitFor()

const card = (app: string) => page.getByRole('article', { name: app, exact: true })

const appFilter = () => page.getByRole('combobox', { name: 'App' })

/** As many frames as the page needs to draw all of a few apps. */
const SOME_FRAMES = `(async () => {
  for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame)
})()`

/** Keeps the first request to `pattern` until it is released. */
async function hold(pattern: RegExp): Promise<() => void> {
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route(
    pattern,
    async (route) => {
      await released
      await route.continue()
    },
    { times: 1 },
  )
  return release
}

/** Gives the daemon a config with these apps, and has it read. */
async function configure({ home }: Scene, names: readonly string[]): Promise<void> {
  const apps = Object.fromEntries(names.map((name) => [name, nativeApp(server)]))
  const { issuer } = server
  await home.write({ issuer, listen: { port: 0 }, vault: { key: 'file' }, apps })
  expect(await runCli(home, ['reload'])).toMatchObject({ code: 0 })
}

describe('the page, while it opens', () => {
  it('does not say that no app is configured before it knows', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { me: 'fresh' } }))
    await page.addInitScript(`
      new MutationObserver(() => {
        window.hasSaid ||= document.body?.textContent.includes('No app is configured')
      }).observe(document, { subtree: true, childList: true })
    `)
    const release = await hold(/\/v1\/events/)
    await page.goto(await scene.link())
    await page.evaluate(SOME_FRAMES)
    release()
    await card('me').waitFor()
    expect(await page.evaluate('window.hasSaid')).toBe(false)
  })

  it('misses nothing of what happens meanwhile', async () => {
    await using scene = await wellScene(server)
    const release = await hold(/\/v1\/callers/)
    const read = page.waitForResponse(/\/v1\/activity\?/)
    await page.goto(await scene.link())
    await (await read).finished()
    await runCli(scene.home, ['refresh', 'evo-viewer'])
    release()
    await untilLive()
    await page.getByText('token renewed (asked for').first().waitFor()
  })
})

describe('the page, while the config changes', () => {
  it('shows the apps that there are, and keeps the filter that a person has set', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { middle: 'fresh' } }))
    await open(scene)
    await appFilter().selectOption('middle')
    await configure(scene, ['first', 'middle', 'zlast'])
    await card('first').waitFor()
    expect(await appFilter().inputValue()).toBe('middle')
    await configure(scene, ['first'])
    await card('middle').waitFor({ state: 'detached' })
    await page.getByText('removed from the config').first().waitFor()
    expect(await appFilter().inputValue()).toBe('middle')
    expect(await page.locator('.entries .app').allInnerTexts()).toContain('middle')
    await configure(scene, [])
    await page.getByText('No app is configured yet.').waitFor()
    expect(await page.getByRole('article').count()).toBe(0)
  })
})

describe('the names of persons', () => {
  it('are shown as they are, whatever is in them', async () => {
    const people = {
      markup: '<img src=x onerror="window.isAttacked = true"> & `evo-token`',
      hebrew: 'שרה כהן (R&D) <sara@example.com>',
      emoji: '👩🏽‍🔬 Zoë 🇳🇿',
      long: 'w'.repeat(300),
    }
    const longApp = 'a'.repeat(64)
    const apps = { markup: 'fresh', hebrew: 'fresh', emoji: 'fresh', long: 'fresh' } as const
    const others = { [longApp]: nativeApp(server) }
    await using scene = await startScene(await seededHome(server, { apps, people, others }))
    await page.setViewportSize({ width: 360, height: 900 })
    await open(scene)
    for (const [app, person] of Object.entries(people)) {
      const row = card(app).locator('dl > div').filter({ hasText: 'Signed in as' })
      await row.scrollIntoViewIfNeeded()
      expect(await row.locator('dd').textContent()).toBe(person)
    }
    expect(await page.evaluate('window.isAttacked')).toBeUndefined()
    await card(longApp).getByRole('button', { name: 'Sign in' }).waitFor()
    await appFilter().selectOption(longApp)
    const overflow = 'document.documentElement.scrollWidth - innerWidth'
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0)
  })
})

describe('a person who clicks', () => {
  it('twice at once, or holds the key down, signs out of nothing', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { me: 'fresh' } }))
    await open(scene)
    await card('me').getByRole('button', { name: 'Sign out' }).dblclick()
    await card('me').getByRole('button', { name: 'Really sign out?' }).waitFor()
    // It asks for a few seconds.
    const signOut = card('me').getByRole('button', { name: 'Sign out me' })
    await signOut.waitFor()
    await signOut.focus()
    for (let repeat = 0; repeat < 3; repeat++) await page.keyboard.down('Enter')
    await page.keyboard.up('Enter')
    await card('me').getByRole('button', { name: 'Really sign out?' }).waitFor()
    await card('me').getByText('fresh', { exact: true }).waitFor()
  })

  it('can give up a sign-in whose tab is gone, and begin another', async () => {
    const redirectUris = [`http://localhost:${await freePort()}/signin-callback`]
    await using own = await startAuthorizationServer({ redirectUris })
    await using scene = await startScene(
      await seededHome(own, { apps: { me: 'fresh' }, app: { redirectUris } }),
    )
    await runCli(scene.home, ['logout', 'me'])
    await open(scene)
    const signIn = card('me').getByRole('button', { name: 'Sign in' })
    const popup = page.waitForEvent('popup')
    await signIn.click()
    const cancel = card('me').getByRole('button', { name: 'Cancel the sign-in to me' })
    await cancel.waitFor()
    await (await popup).close()
    await cancel.click()
    // Chromium keeps a request for 20 s behind another one of the same address, unless it may not cache.
    await card('me').getByText('The sign-in was given up.').waitFor({ timeout: 15_000 })
    await signIn.click()
    await cancel.waitFor()
  })

  it('from range to range sees the tokens of the last one, whichever answer comes first', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    const row = page.getByRole('row', { name: 'notebook' })
    await row.waitFor()
    const before = await row.locator('.number').innerText()
    const release = await hold(/\/v1\/activity\/hours/)
    const late = page.waitForResponse(/\/v1\/activity\/hours/)
    await page.getByRole('button', { name: '30 days' }).click()
    await page.getByRole('button', { name: '24 hours' }).click()
    await (await late).finished()
    const held = page.waitForResponse(/\/v1\/activity\/hours/)
    release()
    await (await held).finished()
    await page.evaluate(SOME_FRAMES)
    expect(await row.locator('.number').innerText()).toBe(before)
  })

  it('is told of the renewals of the range that is shown', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    const plot = page.getByRole('img', { name: /renewals and \d+ failures/ })
    const renewals = async () => parseInt((await plot.getAttribute('aria-label')) ?? '', 10)
    const ofDay = await renewals()
    await page.getByRole('button', { name: '7 days' }).click()
    await page.getByRole('img', { name: /in the last 7 days. The list/ }).waitFor()
    expect(ofDay).toBeGreaterThan(0)
    expect(await renewals()).toBeGreaterThan(ofDay)
  })
})

describe('a person who uses the keyboard', () => {
  const focused = () =>
    page.evaluate<string>('document.activeElement.innerText.replaceAll(/\\s+/g, " ").trim()')

  it('keeps the focus through a renewal, a sign-out and doctor', async () => {
    await using scene = await startScene(
      await seededHome(server, { apps: { first: 'fresh', me: 'fresh' } }),
    )
    await open(scene)
    await card('me').getByRole('button', { name: 'Renew now' }).focus()
    await page.keyboard.press('Enter')
    await card('me').getByText('Renewed.').waitFor()
    expect(await focused()).toBe('Renew now me')
    await page.keyboard.press('Tab')
    for (let press = 0; press < 2; press++) await page.keyboard.press('Enter')
    await card('me').getByText('signed out', { exact: true }).waitFor()
    expect(await focused()).toBe('Sign in to me')
    await page.getByRole('button', { name: 'Run doctor' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('checks failed.').waitFor()
    expect(await focused()).toBe('Run doctor')
  })

  it('clicks nothing twice while the daemon is asked', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { me: 'fresh' } }))
    await open(scene)
    let asked = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/renew')) asked++
    })
    const release = await hold(/\/renew$/)
    await card('me').getByRole('button', { name: 'Renew now' }).focus()
    for (let press = 0; press < 3; press++) await page.keyboard.press('Enter')
    release()
    await card('me').getByText('Renewed.').waitFor()
    expect(asked).toBe(1)
  })
})

describe('what came of a click', () => {
  it('is told for a minute, and no longer than it is true', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { me: 'fresh' } }))
    await page.clock.install()
    await open(scene)
    await card('me').getByRole('button', { name: 'Renew now' }).click()
    const told = card('me').getByText('Renewed.')
    await told.waitFor()
    await page.clock.fastForward(61_000)
    await told.waitFor({ state: 'detached' })
  })
})

describe('a past of more entries than are read at once', () => {
  it('is searched to its end, and drawn to its end', async () => {
    const home = await seededHome(server, { apps: { busy: 'fresh', quiet: 'fresh' } })
    const now = Date.now()
    const day = 24 * HOUR_MS
    await writeItems(home, now - 3 * day, [
      { at: now - 3 * day, kind: 'session_ended', app: 'quiet', error: 'session_ended' },
    ])
    const renewals = Array.from({ length: 10_000 }, (_, number) => ({
      at: now - 23 * HOUR_MS + number * 8_000,
      kind: 'renewed',
      app: 'busy',
      cause: 'age',
    }))
    await writeItems(home, now - day, renewals)
    await using scene = await startScene(home)
    await open(scene)
    await page.getByLabel('What').selectOption('session_ended')
    await page.locator('.entries').getByText('the session ended').waitFor()
    await page.getByRole('img', { name: /^10000 renewals and 0 failures/ }).waitFor()
  })
})

describe('long names', () => {
  it('leave room for the tokens of each caller on a phone', async () => {
    await using scene = await startScene(await seededHome(server, { apps: { me: 'fresh' } }))
    const name = `notebook-${'x'.repeat(50)}`
    await runCli(scene.home, ['caller', 'add', name, '--app', 'me', '--expires', '3d'])
    await page.setViewportSize({ width: 360, height: 900 })
    await open(scene)
    await page.getByRole('row', { name }).waitFor()
    const overflow =
      'document.querySelector(".wide").scrollWidth - document.querySelector(".wide").clientWidth'
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0)
  })
})

async function writeItems(home: Home, begun: number, items: readonly object[]): Promise<void> {
  const directory = join(home.stateDir, 'activity')
  await mkdir(directory, { mode: 0o700, recursive: true })
  const lines = items.map((item) => `${JSON.stringify(item)}\n`)
  await writeFile(join(directory, `items-${begun}.jsonl`), lines.join(''), { mode: 0o600 })
}
