/** What a bug of ours gives away, with every secret of the running daemon in it: fingerprints at most. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type KillableDaemon, startKillableDaemon } from '../faults/killable-daemon.ts'
import { seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import type { Home } from '../support/daemon-process.ts'
import { createCanaries } from './canaries.ts'
import { type BUGS, injectBug } from './injected-bug.ts'

/** sysexits.h EX_SOFTWARE. */
const EXIT_BUG = 70

let server: RunningAuthorizationServer
let home: Home
let directory: string

beforeAll(async () => {
  server = await startAuthorizationServer()
  home = await seededHome(server, {
    apps: { me: 'fresh' },
    config: { log: { level: 'trace' } },
  })
  directory = mkdtempSync(join(tmpdir(), 'evo-token-bug-'))
})
afterAll(async () => {
  await server.close()
  await home.remove()
  rmSync(directory, { recursive: true, force: true })
})

/** The daemon, after the bug has happened to it. */
async function meets(bug: keyof typeof BUGS, nodeOptions = '') {
  const injected = injectBug(bug, directory)
  const daemon = startKillableDaemon(home, {
    serve: true,
    env: {
      NODE_OPTIONS: `${injected.nodeOptions} ${nodeOptions}`,
      REPORT: join(directory, 'report.json'),
    },
    // No core file: what is in memory is in there.
    under: ['sh', '-c', 'ulimit -c 0; exec "$@"', 'sh'],
  })
  await daemon.socket
  daemon.signal('SIGUSR2')
  return {
    daemon,
    /** What of all secrets stands in `text`. */
    leaks: (text: string): readonly string[] => {
      const canaries = createCanaries()
      const secrets = JSON.parse(readFileSync(injected.secretsFile, 'utf8')) as string[]
      // The vault key, the access token and the refresh token.
      expect(secrets.length).toBeGreaterThanOrEqual(3)
      for (const [index, secret] of secrets.entries()) canaries.add(`secret ${index}`, secret)
      return canaries.foundIn(text)
    },
  }
}

function logOf({ log }: KillableDaemon): string {
  return log.map((line) => JSON.stringify(line)).join('\n')
}

it.each(['an exception', 'an exception below others', 'a rejection with no error'] as const)(
  '%s is logged without them, and nothing is on stderr',
  async (bug) => {
    const { daemon, leaks } = await meets(bug)
    expect(await daemon.ended).toEqual({ code: EXIT_BUG, signal: null, stderr: '' })
    expect(daemon.log.at(-1)).toMatchObject({ msg: 'the daemon met a bug and ends' })
    expect(logOf(daemon)).toMatch(/\[secret( [0-9a-f]{8})?\]/)
    expect(leaks(logOf(daemon))).toEqual([])
  },
)

/** What a warning of Node becomes, and the diagnostic report if there is one. */
async function warned(bug: keyof typeof BUGS, nodeOptions: string) {
  const { daemon, leaks } = await meets(bug, nodeOptions)
  await daemon.logged(({ msg }) => msg === 'a warning of Node' || /ends$/.test(msg))
  daemon.signal('SIGTERM')
  const { stderr } = await daemon.ended
  expect(stderr).toBe('')
  expect(logOf(daemon)).toContain('[secret')
  expect(leaks(logOf(daemon))).toEqual([])
  return leaks
}

it('a warning is a line of the log without them, and not on stderr; nor has a diagnostic report any', async () => {
  const leaks = await warned('a report, and a warning', '')
  const report = readFileSync(join(directory, 'report.json'), 'utf8')
  expect(report).toContain('environmentVariables')
  expect(leaks(report)).toEqual([])
})

it('a rejection that Node only warns of is such a line, too', async () => {
  await warned('a rejection', '--unhandled-rejections=warn')
})

it('a crash says where, and none of them', async () => {
  const { daemon, leaks } = await meets('a crash')
  const { signal, stderr } = await daemon.ended
  expect(signal).toBe('SIGABRT')
  expect(leaks(stderr)).toEqual([])
  expect(leaks(logOf(daemon))).toEqual([])
})
