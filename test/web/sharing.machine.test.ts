/** What the page shows of apps that are shared with other hosts: real keepers, a real PostgreSQL, a real browser. */
import { describe, expect } from 'vitest'
import { noBrowser, startBrowser } from '../attacks/browser.ts'
import { APP, startHostsWorld, untilHomeIs } from '../hosts/hosts-world.ts'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { linkOf } from './scenes.ts'

describe('the page of a keeper', () => {
  itNeeds(noBrowser ?? noPostgres())(
    'shows the home of each shared app, and what it is itself, in the words of the command line',
    async () => {
      await using world = await startHostsWorld()
      const [hub, spare] = [await world.keeper('hub'), await world.keeper('spare')]
      expect(await hub.signIn()).toMatchObject({ code: 0 })
      await untilHomeIs(spare, hub)
      const browser = await startBrowser()
      try {
        const page = await browser.newPage()
        for (const host of [hub, spare]) {
          await page.goto(await linkOf(host.home))
          const card = page.getByRole('article', { name: APP, exact: true })
          const home = card.locator('dl > div').filter({ hasText: /^\s*Home/ })
          expect((await home.innerText()).replaceAll(/\s+/g, ' ')).toBe('Home hub')
          await page.getByText(`${host.name}, a keeper`).waitFor()
          expect((await host.cli('share', 'status')).stdout).toContain(`${host.name}, a keeper`)
        }
      } finally {
        await browser.close()
      }
    },
  )
})
