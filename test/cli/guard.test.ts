import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { createRepository, gitMissing, type Repository } from './repository.ts'
import { type StandIn, startStandIn } from './stand-in.ts'

const it = itNeeds(gitMissing)

const header = Buffer.from('{"alg":"RS256"}').toString('base64url')
const JWT = `${header}.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl`
const SECRET = 'Zm9v-a-refresh-token-that-we-hold'
const SHA256 = createHash('sha256').update(SECRET).digest('hex')

/** A daemon that holds SECRET and refuses what the real one would. */
async function startHolder() {
  return startStandIn({
    'POST /v1/guard': ({ body, headers }) => {
      const { sha256 } = body as { sha256: string[] }
      const fits = sha256.length <= 250 && Number(headers['content-length']) <= 16 * 1024
      if (!fits) return { problem: { error: 'too_large', detail: 'Too large.' } }
      return { json: { sha256: sha256.filter((one) => one === SHA256) } }
    },
  })
}

/** Runs the command as a hook would: in the repository. */
async function guard(
  daemon: Pick<StandIn, 'env'>,
  { directory }: Repository,
  command = 'check',
  env: NodeJS.ProcessEnv = {},
) {
  const child = spawn(process.execPath, [MAIN, 'guard', command], {
    cwd: directory,
    env: { ...daemon.env, HOME: directory, GIT_CONFIG_NOSYSTEM: '1', ...env },
  })
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: await stdout, stderr: await stderr }
}

describe('guard check', () => {
  it('passes a change without secrets, and says nothing', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', 'nothing of interest here, really: nothing-at-all-to-be-found\n')
    expect(await guard(daemon, repository)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('refuses a secret that the daemon holds, with its place and never itself', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a/b c.py', `one\ntwo\nTOKEN = "${SECRET}"\n`)
    const { code, stdout, stderr } = await guard(daemon, repository)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`  a/b c.py:3: a secret of ours (${SHA256.slice(0, 8)})\n`)
    expect(stderr).not.toContain(SECRET)
    expect(JSON.stringify(daemon.asked)).not.toContain(SECRET)
  })

  it('finds it among the thousands of strings of a large change', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const hash = (n: number) => createHash('sha512').update(String(n)).digest('base64')
    const lines = Array.from({ length: 2_000 }, (_, n) => `"integrity": "sha512-${hash(n)}"`)
    repository.stage('lock.json', [...lines, SECRET, ...lines].join('\n'))
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('lock.json:2001: a secret of ours')
  })

  it('looks at what is staged, and only at lines that are added', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('old.txt', `${JWT}\nstays\n`)
    repository.git('commit', '--quiet', '--message', 'before', '--no-verify')
    repository.stage('old.txt', `stays\nis new\n`)
    repository.write('unstaged.txt', JWT)
    expect(await guard(daemon, repository)).toMatchObject({ code: 0 })
  })

  it('counts the lines of every hunk', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const lines = Array.from({ length: 60 }, (_, n) => `line ${n + 1}`)
    repository.stage('a.txt', lines.join('\n'))
    repository.git('commit', '--quiet', '--message', 'before', '--no-verify')
    lines[9] = JWT
    lines.splice(30, 2)
    lines[49] = JWT
    repository.stage('a.txt', lines.join('\n'))
    const { stderr } = await guard(daemon, repository)
    expect(stderr.match(/a\.txt:\d+/g)).toEqual(['a.txt:10', 'a.txt:50'])
  })

  it('is not misled by lines that look like a diff, nor by settings of git', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    for (const [name, value] of [
      ['diff.noprefix', 'true'],
      ['diff.mnemonicPrefix', 'true'],
      ['color.ui', 'always'],
      ['diff.external', 'true'],
      ['diff.relative', 'true'],
      ['core.quotePath', 'true'],
      ['diff.context', '10'],
    ]) {
      repository.git('config', String(name), String(value))
    }
    repository.stage('möre.txt', `++ b/other.txt\n@@ -1 +1 @@\n-- a\n${JWT}\n`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('  möre.txt:4: a JWT\n')
  })

  it('looks into files that git takes for binary', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.bin', Buffer.concat([Buffer.from([0, 1, 2, 255, 10, 0]), Buffer.from(JWT)]))
    expect(await guard(daemon, repository)).toMatchObject({ code: 1 })
  })

  it('still refuses what looks like a token where there is no daemon, and says what is missing', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const nowhere = { env: { ...daemon.env, EVO_TOKEN_RUNTIME_DIR: join(daemon.directory, 'x') } }
    repository.stage('a.txt', `${SECRET}\n`)
    const held = await guard(nowhere, repository)
    expect(held.code).toBe(0)
    expect(held.stderr).toContain('could not compare: The daemon cannot be reached')
    repository.stage('a.txt', `key: evtk_${'a'.repeat(43)}\n`)
    const shaped = await guard(nowhere, repository)
    expect(shaped.code).toBe(1)
    expect(shaped.stderr).toContain('a.txt:1: an access key')
    expect(shaped.stderr).not.toContain('aaaa')
  })

  it('compares nothing with a daemon whose vault is locked, and says so', async () => {
    await using daemon = await startStandIn({
      'POST /v1/guard': () => ({ problem: { error: 'vault_locked', detail: 'Locked.' } }),
    })
    using repository = createRepository()
    repository.stage('a.txt', `${SECRET}\n`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(0)
    expect(stderr).toContain('could not compare: Locked.')
  })

  it('lets everything pass where it is switched off', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', JWT)
    const { code, stderr } = await guard(daemon, repository, 'check', { EVO_TOKEN_GUARD: 'off' })
    expect(code).toBe(0)
    expect(stderr).toContain('EVO_TOKEN_GUARD=off')
  })

  it('says so outside of a repository', async () => {
    await using daemon = await startHolder()
    const outside = { directory: daemon.directory } as Repository
    const { code, stderr } = await guard(daemon, outside)
    expect(code).toBe(1)
    expect(stderr).toContain('Run it in a git repository.')
  })
})

describe('guard install', () => {
  /** `evo-token` on the PATH, as an installed program is. */
  function withProgram(daemon: StandIn): NodeJS.ProcessEnv {
    const bin = join(daemon.directory, 'bin')
    mkdirSync(bin)
    const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
    writeFileSync(join(bin, 'evo-token'), program, { mode: 0o755 })
    return { ...daemon.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
  }

  const commit = ['commit', '--quiet', '--message', 'x']

  it('makes every commit pass through the guard, which can be switched off once', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    const installed = await guard(daemon, repository, 'install', env)
    expect(installed).toMatchObject({ code: 0, stdout: '' })
    expect(installed.stderr).toContain('.git/hooks/pre-commit looks through every commit')
    repository.stage('a.txt', `${JWT}\n`)
    const refused = await repository.tryGit(commit)
    expect(refused.code).toBe(1)
    expect(refused.said).toContain('a.txt:1: a JWT')
    expect(await repository.tryGit(commit, { EVO_TOKEN_GUARD: 'off' })).toMatchObject({ code: 0 })
  })

  it('looks at the lines that `git commit --all` stages by itself', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    repository.stage('a.txt', 'fine\n')
    repository.git(...commit)
    await guard(daemon, repository, 'install', env)
    repository.write('a.txt', `${JWT}\n`)
    expect(await repository.tryGit([...commit, '--all'])).toMatchObject({ code: 1 })
  })

  it('lets commits pass, and says so, where there is no evo-token', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    await guard(daemon, repository, 'install')
    repository.stage('a.txt', `${JWT}\n`)
    const { code, said } = await repository.tryGit(commit)
    expect(code).toBe(0)
    expect(said).toContain('evo-token is not on the PATH')
  })

  it('is done once', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const hook = join(repository.directory, '.git/hooks/pre-commit')
    await guard(daemon, repository, 'install')
    const before = readFileSync(hook, 'utf8')
    const again = await guard(daemon, repository, 'install')
    expect(again).toMatchObject({ code: 0 })
    expect(again.stderr).toContain('has the guard already')
    expect(readFileSync(hook, 'utf8')).toBe(before)
  })

  it('keeps a hook that is there, and comes before whatever ends it', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    const hook = join(repository.directory, '.git/hooks/pre-commit')
    writeFileSync(hook, '#!/usr/bin/env bash\necho mine\nexec true\n', { mode: 0o700 })
    await guard(daemon, repository, 'install', env)
    expect(readFileSync(hook, 'utf8')).toMatch(
      /^#!\/usr\/bin\/env bash\n# evo-token[^]*\necho mine\n/,
    )
    expect(statSync(hook).mode & 0o777).toBe(0o700)
    repository.stage('a.txt', 'fine\n')
    expect(await repository.tryGit(commit)).toEqual({ code: 0, said: 'mine\n' })
    repository.stage('a.txt', JWT)
    expect(await repository.tryGit(commit)).toMatchObject({ code: 1 })
  })

  for (const [name, content, mode, said] of [
    ['in another language', '#!/usr/bin/env python3\nprint(1)\n', 0o755, 'is no shell script'],
    ['that git does not run', '#!/bin/sh\nexit 0\n', 0o644, 'cannot be executed'],
  ] as const) {
    it(`leaves a hook ${name} as it is`, async () => {
      await using daemon = await startStandIn({})
      using repository = createRepository()
      const hook = join(repository.directory, '.git/hooks/pre-commit')
      writeFileSync(hook, content)
      chmodSync(hook, mode)
      const { code, stderr } = await guard(daemon, repository, 'install')
      expect(code).toBe(1)
      expect(stderr).toContain(said)
      expect(readFileSync(hook, 'utf8')).toBe(content)
    })
  }

  it('goes where core.hooksPath says, and through a link', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    repository.git('config', 'core.hooksPath', '.githooks')
    repository.write('scripts/hook.sh', '#!/bin/sh\nexit 0\n')
    chmodSync(join(repository.directory, 'scripts/hook.sh'), 0o755)
    mkdirSync(join(repository.directory, '.githooks'))
    const hook = join(repository.directory, '.githooks/pre-commit')
    symlinkSync('../scripts/hook.sh', hook)
    expect(await guard(daemon, repository, 'install')).toMatchObject({ code: 0 })
    expect(readFileSync(join(repository.directory, 'scripts/hook.sh'), 'utf8')).toContain('guard')
    expect(readFileSync(hook, 'utf8')).toContain('guard check')
  })

  it('says so outside of a repository', async () => {
    await using daemon = await startStandIn({})
    const { code, stderr } = await guard(daemon, daemon as unknown as Repository, 'install')
    expect(code).toBe(1)
    expect(stderr).toContain('in no git repository')
  })
})
