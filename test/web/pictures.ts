/** `npm run pictures`: the page as people see it, at three widths, light and dark, in build/pictures. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../attacks/browser.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { emptyScene, type Scene, troubledScene, wellScene } from './scenes.ts'

const OUT = join(process.cwd(), 'build/pictures')
const WIDTHS = [1440, 360, 820]
const SCHEMES = ['light', 'dark'] as const

await mkdir(OUT, { recursive: true })
const server = await startAuthorizationServer()
const browser = await startBrowser()
try {
  const scenes = { empty: emptyScene, well: wellScene, trouble: troubledScene }
  for (const [name, start] of Object.entries(scenes)) {
    const scene = await start(server)
    try {
      await takeAll(browser, name, scene)
    } finally {
      await scene[Symbol.asyncDispose]()
    }
  }
} finally {
  await browser.close()
  await server.close()
}

async function takeAll(browser: Browser, name: string, scene: Scene): Promise<void> {
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme,
        reducedMotion: 'reduce',
      })
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error') console.error(`${name}: ${message.text()}`)
      })
      await page.goto(await scene.link())
      await page.getByRole('status').getByText('live').waitFor()
      await page.evaluate('document.fonts.ready')
      const path = join(OUT, `${name}-${width}-${colorScheme}`)
      // What a person sees first; the README has some of these.
      await page.screenshot({ path: `${path}-top.png` })
      await page.screenshot({ path: `${path}.png`, fullPage: true })
      console.log(path)
      await context.close()
    }
  }
}
