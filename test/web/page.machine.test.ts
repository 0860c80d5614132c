/** The page in a real browser, opened by the link of the command line, with a real daemon behind it. */
import { appendFile } from 'node:fs/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { source } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { noBrowser, startBrowser } from '../attacks/browser.ts'
import { ask, untilStatus } from '../faults/owner.ts'
import { nativeApp, SCOPES, seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { createHome, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { emptyScene, linkOf, type Scene, startScene, troubledScene, wellScene } from './scenes.ts'

const it = itNeeds(noBrowser)

let browser: Browser
let server: RunningAuthorizationServer
let context: BrowserContext
let page: Page
/** What the browser complained of: a blocked script or style among it. */
let complaints: string[]

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
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
})

afterEach(async () => {
  await context.close()
})

async function open(scene: Scene): Promise<string> {
  const link = await scene.link()
  await page.goto(link)
  await page.getByRole('status').getByText('live').waitFor()
  return link
}

const card = (app: string) => page.getByRole('article', { name: app, exact: true })

interface Violations {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly object[] }[]
}

/** What axe finds, by its rules' names. */
async function axe(): Promise<readonly string[]> {
  // Trusted Types would keep a script of others out: it comes by the debugger.
  await page.evaluate(source)
  const { violations } = await page.evaluate<Violations>('axe.run()')
  return violations.map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes[0])}`)
}

const SCENES = { empty: emptyScene, well: wellScene, trouble: troubledScene }

describe('the page', () => {
  for (const [name, start] of Object.entries(SCENES)) {
    it(`has no fault that axe finds, light, dark and narrow: ${name}`, async () => {
      await using scene = await start(server)
      await open(scene)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 900 })
          expect(await axe(), `${colorScheme} ${width}`).toEqual([])
          const overflow = 'document.documentElement.scrollWidth - innerWidth'
          expect(await page.evaluate(overflow), `${colorScheme} ${width}`).toBeLessThanOrEqual(0)
        }
      }
      expect(complaints).toEqual([])
    })
  }

  it('says what to do where no app is configured', async () => {
    await using scene = await emptyScene(server)
    await open(scene)
    await page.getByText('evo-token init').waitFor()
  })

  it('shows every app, however many there are', async () => {
    const app = { type: 'native', clientId: 'native-many', scopes: SCOPES }
    const names = Array.from({ length: 600 }, (_, at) => `app-${at}`)
    const { issuer } = server
    const apps = Object.fromEntries(names.map((name) => [name, app]))
    const config = { issuer, listen: { port: 0 }, vault: { key: 'file' }, apps }
    await using scene = await startScene(await createHome(config))
    await open(scene)
    // By CSS: to look for roles among thousands of elements takes the browser seconds each time.
    await page.locator('article[aria-label="app-99"] button.main').waitFor({ state: 'attached' })
    expect(await page.locator('article').count()).toBe(names.length)
  })

  it('lays out every card of a few dozen apps, for a picture of the whole page', async () => {
    const apps = Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [`app-${at}`, nativeApp(server)]),
    )
    const { issuer } = server
    const config = { issuer, listen: { port: 0 }, vault: { key: 'file' }, apps }
    await using scene = await startScene(await createHome(config))
    await open(scene)
    await page.locator('.cards > li').nth(49).waitFor({ state: 'attached' })
    const visibility = await page.evaluate<string>(
      'getComputedStyle(document.querySelector(".cards > li")).contentVisibility',
    )
    expect(visibility).toBe('visible')
  })

  it('shows what a full day counts together as a caller of its own', async () => {
    await using scene = await wellScene(server)
    const day = Math.floor(Date.now() / 86_400_000) * 86_400_000
    const hours = { [new Date().getUTCHours()]: 77 }
    const lines = [
      { app: 'evo-me', caller: null, hours },
      { app: null, caller: null, hours },
    ].map((line) => `\n${JSON.stringify(line)}\n`)
    // A daemon that has counted nothing today reads it when it is asked.
    await appendFile(join(scene.home.stateDir, `activity/tokens-${day}.jsonl`), lines.join(''))
    await open(scene)
    await page.getByRole('row', { name: '(others)' }).getByText('154').waitFor()
  })

  it('says when no entry matches the filters', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    await page.getByLabel('What').selectOption('vault_key_rotated')
    await page.getByText('Nothing of this kind has happened.').waitFor()
  })

  it('says what is wrong in the words of status', async () => {
    await using scene = await troubledScene(server)
    await open(scene)
    const { body } = await ask(scene.daemon.socket, '/v1/apps/evo-pipeline')
    const { message, hint } = body.problem as { message: string; hint: string }
    await card('evo-pipeline').getByText(message).waitFor()
    await card('evo-pipeline').getByText(hint.replaceAll('`', '')).waitFor()
  })

  it('shows a renewal and what happened without a reload', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    await page.evaluate('window.isTheSame = true')
    await runCli(scene.home, ['refresh', 'evo-viewer'])
    await page.getByText('token renewed (asked for').first().waitFor()
    await card('evo-viewer').getByRole('button', { name: 'Renew now' }).click()
    await card('evo-viewer').getByText('Renewed.').waitFor()
    expect(await page.evaluate('window.isTheSame')).toBe(true)
    expect(complaints).toEqual([])
  })

  it('signs out with a second click, and in by the server’s own page', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using own = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using scene = await startScene(
      await seededHome(own, { apps: { me: 'fresh' }, app: { redirectUris: [redirectUri] } }),
    )
    // The shared browser leads localhost elsewhere.
    const { chromium } = await import('playwright-core')
    const plain = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    })
    try {
      page = await (await plain.newContext()).newPage()
      await open(scene)
      await card('me').getByRole('button', { name: 'Sign out' }).click()
      await card('me').getByRole('button', { name: 'Really sign out?' }).click()
      await card('me').getByText('signed out', { exact: true }).waitFor()
      const popup = page.waitForEvent('popup')
      await card('me').getByRole('button', { name: 'Sign in' }).click()
      const tab = await popup
      await tab.fill('[name=login]', 'ada')
      await tab.fill('[name=password]', 'any')
      await tab.click('[type=submit]')
      await tab.click('[type=submit]')
      await card('me').getByText('ada@example.com').waitFor()
      await card('me').getByText('fresh', { exact: true }).waitFor()
    } finally {
      await plain.close()
    }
  })

  it('says where to sign in when another program has the port to which the browser comes back', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const redirectUris = [`http://localhost:${port}/signin-callback`]
    await using own = await startAuthorizationServer({ redirectUris })
    await using scene = await startScene(
      await seededHome(own, { apps: { me: 'fresh' }, app: { redirectUris } }),
    )
    await runCli(scene.home, ['logout', 'me'])
    await open(scene)
    const popup = page.waitForEvent('popup')
    await card('me').getByRole('button', { name: 'Sign in' }).click()
    const tab = await popup
    const told = card('me').getByText(`Another program has port ${port}`)
    await told.getByText('evo-token login me').waitFor()
    if (!tab.isClosed()) await tab.waitForEvent('close')
    // Nothing of it waits on.
    const { body } = await ask(scene.daemon.socket, '/v1/activity?kind=sign_in_failed')
    expect(body).toMatchObject({ items: [{ app: 'me', error: 'cancelled' }] })
    taken.close()
  })

  it('runs doctor, check by check', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    await page.getByRole('button', { name: 'Run doctor' }).click()
    await page.getByText('daemon: it answers').waitFor()
    await page.getByRole('button', { name: 'Run doctor' }).waitFor()
  })

  it('outlives F5, and says what to do when the daemon is killed, and after it started again', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const daemon = await startDaemonProcess(home)
    await page.goto(await linkOf(home))
    await card('me').waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
    await page.reload()
    await card('me').waitFor()
    await daemon.stop('SIGKILL')
    await page.getByText('The daemon does not answer.').waitFor()
    await page.getByText('evo-token web').first().waitFor()
    await using again = await startDaemonProcess(home)
    await untilStatus(again.socket, 'me', ({ session }) => session === 'active')
    await page.goto(await linkOf(home))
    await card('me').waitFor()
    await again.stop()
    await page.getByText(/The daemon (is stopping|does not answer)/).waitFor()
  })

  it('leaves another tab as it is, F5 included, when it is opened once more', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    const first = page
    page = await context.newPage()
    await open(scene)
    await first.reload()
    await first.getByRole('status').getByText('live').waitFor()
    await page.reload()
    await page.getByRole('status').getByText('live').waitFor()
  })

  it('says that the daemon does not answer while that hangs, and goes on by itself', async () => {
    await using scene = await wellScene(server)
    await page.clock.install()
    await open(scene)
    process.kill(scene.daemon.pid, 'SIGSTOP')
    await page.clock.fastForward(25_000)
    await page.getByText('The daemon does not answer.').waitFor()
    process.kill(scene.daemon.pid, 'SIGCONT')
    await page.getByRole('status').getByText('live').waitFor()
  })

  it('ends with its key when it is closed', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    const key = await page.evaluate<string>('sessionStorage.getItem("evo-token-page-key")')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByText('The page is closed.').waitFor()
    const status = await page.evaluate<number>(
      `fetch('/v1/apps', { headers: { 'evo-token-page-key': ${JSON.stringify(key)} } }).then(({ status }) => status)`,
    )
    expect(status).toBe(401)
    await page.reload()
    await page.getByText('This page has ended.').waitFor()
  })

  it('can be used by the keyboard alone', async () => {
    await using scene = await wellScene(server)
    await open(scene)
    const focused = () => page.evaluate<string>('document.activeElement.innerText')
    let name = ''
    for (let tabs = 0; tabs < 40 && name !== 'Renew now evo-me'; tabs++) {
      await page.keyboard.press('Tab')
      name = (await focused()).replaceAll(/\s+/g, ' ').trim()
    }
    expect(name).toBe('Renew now evo-me')
    await page.keyboard.press('Enter')
    await card('evo-me').getByText('Renewed.').waitFor()
  })
})
