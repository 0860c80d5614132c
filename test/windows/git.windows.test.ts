/** The guard and token files in a repository on Windows, where a clone may bring a git.exe of its own. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import { JWT } from '../cli/guard/guarded.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { noWindows, startWindows, startWindowsDaemon, type Windows } from '../support/wine.ts'
import { installGit, noLauncher, plant } from './git-of-windows.ts'

const missing = noWindows() ?? noLauncher
const it = itNeeds(missing)

const GIT = String.raw`C:\Program Files\Git\cmd`
const CLONE = String.raw`C:\Müllers Klon (x86)`
const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const PLANTED = String.raw`C:\planted.txt`

/** `.` in PATH is the clone as well. */
const env = { WINEPATH: `.;${GIT}` }

let windows: Windows
let server: RunningAuthorizationServer
let installed: AsyncDisposable

beforeAll(async () => {
  if (missing !== undefined) return
  windows = await startWindows()
  server = await startAuthorizationServer()
  installed = await installGit(windows, GIT)
  const writes = `require('node:fs').writeFileSync(${JSON.stringify(PLANTED)}, '')`
  for (const name of ['git', 'job']) plant(windows, CLONE, name, writes)
  git('init', '-q')
})

afterAll(async () => {
  if (missing !== undefined) return
  await windows[Symbol.asyncDispose]()
  await installed[Symbol.asyncDispose]()
  await server.close()
})

beforeEach(() => {
  if (missing !== undefined) return
  git('read-tree', '--empty')
  expect(wasRun()).toBe(false)
})

function git(...args: readonly string[]): void {
  execFileSync('git', args, { cwd: windows.local(CLONE) })
}

function stage(name: string, text: string): void {
  const path = join(windows.local(CLONE), name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  git('add', '--force', name)
}

const wasRun = () => existsSync(windows.local(PLANTED))
const guard = async (...args: readonly string[]) =>
  windows.evoToken(['guard', ...args], env, '', CLONE)

describe('a clone with a git.exe of its own', () => {
  it('has it run by nothing: its launcher runs, when a person names it', async () => {
    // Otherwise the other tests would show nothing.
    const asked = ['-e', `require('node:child_process').execFileSync('git', ['--version'])`]
    await (await windows.node(asked, env, '', CLONE)).ended()
    expect(wasRun()).toBe(true)
    execFileSync('rm', [windows.local(PLANTED)])
  })

  it('gets the guard into its hooks, with lines that sh reads', async () => {
    expect(await guard('install')).toMatchObject({ code: 0 })
    const hook = readFileSync(join(windows.local(CLONE), '.git/hooks/pre-commit'), 'utf8')
    expect(hook).toMatch(/^#!\/bin\/sh\n/)
    expect(hook).toContain('evo-token guard check')
    expect(hook).not.toContain('\r')
    expect(wasRun()).toBe(false)
  })

  it('has a token refused that is staged in a file with CRLF', async () => {
    stage('Größe/ä b.env', `A=1\r\nTOKEN=${JWT}\r\n`)
    const checked = await guard('check')
    expect(checked).toMatchObject({ code: 1 })
    expect(checked.stderr).toContain('Größe/ä b.env:2: a JWT')
    expect(checked.stderr).not.toContain(JWT)
    expect(wasRun()).toBe(false)
  })

  it('passes a commit without one', async () => {
    stage('harmless.txt', 'A=1\r\n')
    expect(await guard('check')).toMatchObject({ code: 0 })
    expect(wasRun()).toBe(false)
  })

  it('has a token refused in a message that git for Windows wrote', async () => {
    const file = join(windows.local(CLONE), '.git/COMMIT_EDITMSG')
    writeFileSync(file, `one\r\n\r\n${JWT}\r\n`)
    const checked = await guard('check', '--message', String.raw`.git\COMMIT_EDITMSG`)
    expect(checked).toMatchObject({ code: 1 })
    expect(checked.stderr).toContain(':3: a JWT')
  })

  it('has a token refused in its history', async () => {
    stage('old.txt', `${JWT}\r\n`)
    git(
      ...['-c', 'user.name=ada', '-c', 'user.email=ada@example.com', '-c', 'core.hooksPath=/none'],
      ...['commit', '-q', '-m', 'one'],
    )
    const checked = await guard('check', '--range', 'HEAD')
    expect(checked).toMatchObject({ code: 1 })
    expect(checked.stderr).toMatch(/[\da-f]+.*old\.txt:1: a JWT/)
    expect(wasRun()).toBe(false)
  })

  it('is not guarded without a git in PATH, and no commit passes', async () => {
    const checked = await windows.evoToken(['guard', 'check'], { WINEPATH: '.' }, '', CLONE)
    expect(checked.code).not.toBe(0)
    expect(checked.stderr).toContain('git cannot be run')
    const put = await windows.evoToken(['guard', 'install'], { WINEPATH: '.' }, '', CLONE)
    expect(put).toMatchObject({ code: 1 })
    expect(put.stderr).toContain('There is no git in PATH')
    expect(wasRun()).toBe(false)
  })

  it('gets a token file once git ignores it, and none of its programs gets a token', async () => {
    const { service } = server.clients
    const path = `${CLONE}\\arbeit\\.env`
    const config = {
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      files: [{ app: 'pipeline', path, format: 'dotenv', variable: 'EVO_ACCESS_TOKEN' }],
      notify: { command: ['job'] },
      apps: {
        pipeline: { type: 'service', clientId: service.clientId, scopes: ['evo.discovery'] },
      },
    }
    mkdirSync(dirname(windows.local(CONFIG)), { recursive: true })
    mkdirSync(dirname(windows.local(path)), { recursive: true })
    writeFileSync(windows.local(path), 'NAME=Müller\r\n')
    writeFileSync(windows.local(CONFIG), JSON.stringify(config))
    const daemon = await startWindowsDaemon(windows, [], env, CLONE)
    await windows.evoToken(['secret', 'pipeline'], {}, service.clientSecret)
    await windows.evoToken(['get', 'pipeline'])
    await until('it says why there is none', () =>
      JSON.stringify(daemon.log()).includes('add it to .gitignore'),
    )
    writeFileSync(join(windows.local(CLONE), '.gitignore'), '.env\r\n')
    const content = () => readFileSync(windows.local(path), 'utf8')
    await until(
      'the token is there',
      content,
      (text) => /^NAME=Müller\r\nEVO_ACCESS_TOKEN=\S+\r\n$/.test(text),
      { limitMs: 60_000 },
    )
    const ran = await windows.evoToken(['run', 'pipeline', '--', 'job'], env, '', CLONE)
    expect(ran).toMatchObject({ code: 127 })
    expect(wasRun()).toBe(false)
    const named = await windows.evoToken(
      ['run', 'pipeline', '--', String.raw`.\job.exe`],
      env,
      '',
      CLONE,
    )
    expect(named).toMatchObject({ code: 0 })
    expect(wasRun()).toBe(true)
    execFileSync('rm', [windows.local(PLANTED)])
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
  })
})
