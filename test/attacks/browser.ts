/** A real Chromium, for which hostile names lead to this machine. */
import { execFileSync } from 'node:child_process'
import { type Browser, chromium, type Page } from 'playwright-core'
import { missingCommands } from '../support/needs.ts'
import { RECORDER_ADDRESS } from './recorder.ts'

/** Why a test with a browser cannot run here; undefined where it can. */
export const noBrowser =
  process.platform === 'linux' ? missingCommands('chromium') : `no ${RECORDER_ADDRESS} but on Linux`

/** What no test needs, and what would make the browser talk to others. */
const ARGS = [
  // It is not to be had by root, nor in most containers, and the pages are our own.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function startBrowser(): Promise<Browser> {
  const rules = [
    `MAP localhost ${RECORDER_ADDRESS}`,
    `MAP evil.test ${RECORDER_ADDRESS}`,
    'MAP rebound.test 127.0.0.1',
  ]
  return launchBrowser([`--host-resolver-rules=${rules.join(', ')}`])
}

/** A browser for which names lead where they should. */
export async function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    args: [...ARGS, ...args],
  })
}

/** The statuses of all answers that the page gets from now on; of a WebSocket none is told. */
export function statusesOf(page: Page): ReadonlySet<number> {
  const statuses = new Set<number>()
  page.on('response', (response) => statuses.add(response.status()))
  return statuses
}

/** A person opens the link and signs in as ada. Resolves with what the page at the end says. */
export async function completeInBrowser(
  browser: Browser,
  openUrl: string,
  redirectUri: string,
): Promise<string> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(openUrl)
  await passSignInPages(page)
  await page.waitForURL(`${redirectUri}?**`)
  const text = await page.innerText('main')
  await context.close()
  return text
}

/** Signs in as ada on the pages of the authorization server, and agrees. */
export async function passSignInPages(page: Page): Promise<void> {
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'any')
  await page.click('[type=submit]')
  await page.click('[type=submit]')
}
