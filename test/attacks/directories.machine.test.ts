/** Directories that another user owns, leads elsewhere or can write to: the daemon does not start in them. */
import { once } from 'node:events'
import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createHome, runCli } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { NOBODY, noOtherUser } from './as-nobody.ts'

const it = itNeeds(noOtherUser)

const CONFIG = {
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { 'evo-me': { type: 'native', clientId: 'native-1', scopes: ['evo.discovery'] } },
}

const UNSAFE: readonly (readonly [string, (path: string) => void, string])[] = [
  [
    'of another user',
    (path) => {
      mkdirSync(path, { mode: 0o700 })
      lchownSync(path, NOBODY, NOBODY)
    },
    `belongs to uid ${NOBODY}, and evo-token runs as uid 0: chown 0 `,
  ],
  [
    'that is a symbolic link',
    (path) => {
      mkdirSync(`${path}-elsewhere`, { mode: 0o700 })
      symlinkSync(`${path}-elsewhere`, path)
    },
    'is a symbolic link',
  ],
  [
    'that a group may write to',
    (path) => {
      mkdirSync(path)
      chmodSync(path, 0o730)
    },
    'is open to others (mode 730): chmod 700 ',
  ],
  [
    'that others may write to',
    (path) => {
      mkdirSync(path)
      chmodSync(path, 0o702)
    },
    'is open to others (mode 702): chmod 700 ',
  ],
]

describe.each(['state', 'run'])('the %s directory', (name) => {
  for (const [what, make, why] of UNSAFE) {
    it(`is refused, with what to do, as one ${what}`, async () => {
      await using home = await createHome(CONFIG)
      const directory = join(home.directory, name)
      make(directory)
      const { code, stderr } = await runCli(home, ['serve'])
      const [kind, variable] =
        name === 'state' ? ['state', 'EVO_TOKEN_STATE_DIR'] : ['runtime', 'EVO_TOKEN_RUNTIME_DIR']
      expect(stderr).toContain(`The ${kind} directory ${directory} ${why}`)
      expect(stderr).toContain(`$${variable}`)
      expect(code).toBe(2)
      expect(readdirSync(directory)).toEqual([])
    })
  }
})

it('a socket that another user planted in the place of the owner’s is neither used nor removed', async () => {
  await using home = await createHome(CONFIG)
  const run = join(home.directory, 'run')
  mkdirSync(run, { mode: 0o700 })
  const planted = join(run, 'owner.sock')
  const squatter = createServer().listen(planted)
  await once(squatter, 'listening')
  lchownSync(planted, NOBODY, NOBODY)
  const { code, stderr } = await runCli(home, ['serve'])
  expect(code).toBe(1)
  expect(stderr).toContain(`${planted} is in the way: it belongs to another user.`)
  expect(lstatSync(planted).uid).toBe(NOBODY)
  squatter.close()
  await once(squatter, 'close')
})
