/** What a call loads: `get` is called from prompts and loops, and every module costs a millisecond. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { startStandIn, status, token } from './stand-in.ts'

/** Writes down everything that is imported. It runs in a thread of its own, so it is not in the list. */
const HOOKS = `
  import { appendFileSync } from 'node:fs'
  export async function load(url, context, next) {
    appendFileSync(process.env.EVO_TEST_LOADED, url + '\\n')
    return next(url, context)
  }
`

const REGISTER = `
  import { register } from 'node:module'
  register('./hooks.mjs', import.meta.url)
`

/** Our files by their path in `dist`, others by their URL. */
async function loadedBy(args: readonly string[]): Promise<string[]> {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token() }),
    'GET /v1/apps/evo-me/token?min_ttl=60': () => ({ json: token() }),
    'GET /v1/apps': () => ({ json: { apps: [status()] } }),
    'GET /v1/apps/evo-me': () => ({ json: status() }),
  })
  const register = join(daemon.directory, 'register.mjs')
  const loaded = join(daemon.directory, 'loaded')
  writeFileSync(register, REGISTER)
  writeFileSync(join(daemon.directory, 'hooks.mjs'), HOOKS)
  writeFileSync(loaded, '')
  const child = spawn(process.execPath, ['--import', register, MAIN, ...args], {
    env: { ...daemon.env, EVO_TEST_LOADED: loaded },
    stdio: 'ignore',
  })
  expect(await once(child, 'exit')).toEqual([0, null])
  const dist = pathToFileURL(join(MAIN, '..')).href
  return readFileSync(loaded, 'utf8')
    .trim()
    .split('\n')
    .filter((url) => !url.endsWith('register.mjs'))
    .map((url) => url.replace(`${dist}/`, ''))
}

it('is no more for `get` than it was measured with', async () => {
  const loaded = await loadedBy(['get', 'evo-me'])
  expect(loaded.filter((url) => !url.startsWith('node:')).sort()).toEqual([
    'cli/commands.js',
    'cli/options.js',
    'cli/run.js',
    'cli/tokens/get.js',
    'client/connection.js',
    'client/wire.js',
    'main.js',
    'platform/chosen.js',
    'platform/posix/locations.js',
    'platform/posix/owner-endpoint.js',
    'platform/posix/ownership.js',
    'platform/windows/for-clients.js',
  ])
})

it.each([[['get', 'evo-me', '--json', '--min-ttl', '60']], [['status']], [['status', 'evo-me']]])(
  'is no package for `%j`, and no HTTP library of Node',
  async (args) => {
    const loaded = await loadedBy(args)
    expect(loaded).toContain('client/connection.js')
    expect(loaded.filter((url) => url.includes('node_modules'))).toEqual([])
    expect(loaded.filter((url) => /^node:(http|https|http2|tls|crypto)$/.test(url))).toEqual([])
  },
)

it('is little for what a shell asks at each Tab: of the commands, only the typed one', async () => {
  const loaded = await loadedBy(['__complete', 'bash', '--', 'get', '--'])
  expect(loaded.filter((url) => !url.startsWith('node:')).sort()).toEqual([
    'cli/commands.js',
    'cli/completion/complete.js',
    'cli/completion/offer.js',
    'cli/completion/typed-words.js',
    'cli/options.js',
    'cli/run.js',
    'cli/tokens/get.js',
    'client/connection.js',
    'client/wire.js',
    'main.js',
    'platform/chosen.js',
    'platform/posix/locations.js',
    'platform/posix/owner-endpoint.js',
    'platform/posix/ownership.js',
    'platform/windows/for-clients.js',
  ])
})

it('is the list of commands alone for what a shell asks where a command is to be typed', async () => {
  const loaded = await loadedBy(['__complete', 'zsh', '--', ''])
  expect(loaded.filter((url) => !url.startsWith('node:')).sort()).toEqual([
    'cli/commands.js',
    'cli/completion/complete.js',
    'cli/completion/offer.js',
    'cli/completion/typed-words.js',
    'cli/run.js',
    'main.js',
  ])
})

it('is no package for `--help`, and no part of the daemon', async () => {
  const loaded = await loadedBy(['--help'])
  expect(loaded).toContain('cli/tokens/get.js')
  expect(loaded.filter((url) => /node_modules|^(daemon|broker|http)\//.test(url))).toEqual([])
  expect(loaded.filter((url) => /^node:(http|https|http2|tls)$/.test(url))).toEqual([])
})
