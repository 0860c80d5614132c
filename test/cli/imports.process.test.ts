/** What a call loads: `get` is called from prompts and loops, and every module costs a millisecond. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
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

/** The bytes of our files in `loaded`. */
function sizeOf(loaded: readonly string[]): number {
  const ours = loaded.filter((url) => !url.startsWith('node:'))
  return ours.reduce((sum, file) => sum + statSync(join(MAIN, '..', file)).size, 0)
}

it.each([[['get', 'evo-me']], [['get', 'evo-me', '--header']]])(
  'is one small file for `%j`',
  async (args) => {
    const loaded = await loadedBy(args)
    expect(loaded.filter((url) => !url.startsWith('node:'))).toEqual(['main.js'])
    expect(sizeOf(loaded)).toBeLessThan(20_000)
  },
)

it.each([[['get', 'evo-me', '--json', '--min-ttl', '60']], [['status']], [['status', 'evo-me']]])(
  'is little for `%j`, and no HTTP library of Node',
  async (args) => {
    const loaded = await loadedBy(args)
    expect(loaded).toContain('main.js')
    expect(sizeOf(loaded)).toBeLessThan(70_500)
    expect(loaded.filter((url) => /^node:(http|https|http2|tls|crypto)$/.test(url))).toEqual([])
  },
)

it.each([[['__complete', 'bash', '--', 'get', '--']], [['__complete', 'zsh', '--', '']]])(
  'is little for what a shell asks at each Tab: `%j`',
  async (args) => {
    const loaded = await loadedBy(args)
    expect(loaded).toContainEqual(expect.stringMatching(/^complete-[^/]+\.mjs$/))
    expect(sizeOf(loaded)).toBeLessThan(64_000)
  },
)

it('is no part of the daemon for `--help`', async () => {
  const loaded = await loadedBy(['--help'])
  expect(loaded).toContainEqual(expect.stringMatching(/^without-command-[^/]+\.mjs$/))
  expect(loaded).not.toContain('daemon.mjs')
  expect(sizeOf(loaded)).toBeLessThan(155_500)
  expect(loaded.filter((url) => /^node:(http|https|http2|tls)$/.test(url))).toEqual([])
})
