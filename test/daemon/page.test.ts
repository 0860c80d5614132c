import { expect, it } from 'vitest'
import type { PageFiles } from '../../src/adapters/loopback/page-files.ts'
import { createPage } from '../../src/daemon/page.ts'

it('opens no port once the daemon stops', async () => {
  const page = createPage({
    env: {},
    uid: 0,
    files: {} as PageFiles,
    stateDir: '/nowhere',
    configPath: undefined,
    socket: () => undefined,
    about: () => ({}),
    deps() {
      throw new Error('a page was opened')
    },
  })
  await page.stop()
  await expect(page.open()).rejects.toMatchObject({ code: 'stopping' })
})
