/**
 * How long the page keeps the browser from drawing, with 200 apps, 50 callers and a past of 30 days:
 * the longest frame of a real Chromium while it opens, while apps change, and at each click.
 */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchBrowser } from '../test/attacks/browser.ts'
import { ask } from '../test/faults/owner.ts'
import { type Home } from '../test/support/daemon-process.ts'
import { missingCommands } from '../test/support/needs.ts'
import { linkOf, writePast } from '../test/web/scenes.ts'
import { milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const APPS = 200
const CALLERS = 50
const DAYS = 30
const DAY_MS = 86_400_000
const MOST_MS = 50
/** Time for what a click, a reading or an event makes the page draw. */
const SETTLE_MS = 1_500

/** Notes the longest frame, and how long its scripts, and its styles and layout, took (Long Animation Frames API). */
const WATCH = `
  window.longest = { all: 0, scripts: 0, layout: 0 }
  new PerformanceObserver((list) => {
    for (const { duration, startTime, styleAndLayoutStart, scripts } of list.getEntries()) {
      if (duration <= window.longest.all) continue
      window.longest = {
        all: duration,
        scripts: scripts.reduce((sum, script) => sum + script.duration, 0),
        layout: styleAndLayoutStart === 0 ? 0 : startTime + duration - styleAndLayoutStart,
      }
    }
  }).observe({ type: 'long-animation-frame', buffered: true })
`

interface Longest {
  readonly all: number
  readonly scripts: number
  readonly layout: number
}

export async function benchPage(): Promise<void> {
  const missing = missingCommands('chromium')
  if (missing !== undefined) {
    console.log(`The page: left out, ${missing}`)
    return
  }
  await using home = await homeWithSessions(APPS)
  await writeLongPast(home)
  await using daemon = await startQuietDaemon(home)
  for (const name of names('caller', CALLERS)) {
    await ask(daemon.socket, '/v1/callers', 'POST', { name, apps: ['*'] })
  }
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.addInitScript(WATCH)
    console.log(
      `The page with ${APPS} apps, ${CALLERS} callers, ${DAYS} days: longest frames (aim: at most ${MOST_MS} ms)`,
    )
    await page.goto(await linkOf(home))
    await page.getByRole('status').getByText('live').waitFor()
    await report(page, 'opening')
    await report(page, 'ten seconds of ticks', () => page.waitForTimeout(10_000))
    await report(page, 'an app that changes', async () => {
      await ask(daemon.socket, '/v1/apps/app-7/logout', 'POST')
    })
    await reportClick(page, '7 days')
    await reportClick(page, '30 days')
    await report(page, 'an app that changes, at 30 days', async () => {
      await ask(daemon.socket, '/v1/apps/app-8/logout', 'POST')
    })
    await reportClick(page, `Show all ${APPS} apps`)
    const kinds = await page.getByLabel('What').elementHandle()
    await report(page, 'a filter', async () => kinds.selectOption('renewed'))
  } finally {
    await browser.close()
  }
}

/** The button is looked for before, since that keeps the page from drawing for long. */
async function reportClick(page: Page, name: string): Promise<void> {
  const button = await page.getByRole('button', { name, exact: true }).elementHandle()
  await report(page, name, async () => button.dispatchEvent('click'))
}

async function report(page: Page, what: string, act?: () => Promise<unknown>): Promise<void> {
  if (act) await page.evaluate('window.longest = { all: 0, scripts: 0, layout: 0 }')
  await act?.()
  await page.waitForTimeout(SETTLE_MS)
  const { all, scripts, layout } = await page.evaluate<Longest>('window.longest')
  // The browser tells of frames of 50 ms and more alone.
  const told =
    all === 0
      ? 'less than 50 ms'
      : `${milliseconds(all).trim()} (scripts ${milliseconds(scripts).trim()}, styles and layout ${milliseconds(layout).trim()})`
  console.log(`  ${all <= MOST_MS ? 'yes' : 'NO '}  ${what}: ${told}`)
}

function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${at + 1}`)
}

/** As many entries as the page shows, and a count for each caller and hour. */
async function writeLongPast(home: Home): Promise<void> {
  await writePast(home, names('app', APPS))
  const directory = join(home.stateDir, 'activity')
  const today = Math.floor(Date.now() / DAY_MS)
  for (let day = today - DAYS; day <= today; day++) {
    const lines = names('caller', CALLERS).map((caller, index) => {
      const hours = Object.fromEntries(
        Array.from({ length: 24 }, (_, hour) => [hour, 1 + ((hour * index) % 997)]),
      )
      return `${JSON.stringify({ app: `app-${index + 1}`, caller, hours })}\n`
    })
    const file = join(directory, `tokens-${day * DAY_MS}.jsonl`)
    await appendFile(file, lines.join(''), { mode: 0o600 })
  }
}
