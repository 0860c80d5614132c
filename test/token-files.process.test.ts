/** What the daemon writes into files, and what it keeps out of git: the built program, real repositories. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createRepository, gitMissing, type Repository } from './cli/repository.ts'
import { ask, goodToken } from './faults/owner.ts'
import { seededHome } from './faults/seeded-home.ts'
import { startAuthorizationServer } from './support/authorization-server.ts'
import { type Home, MAIN, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds } from './support/needs.ts'
import { until } from './support/until.ts'

const it = itNeeds(gitMissing)

describe('a .env', () => {
  const NAMED = { app: 'me', format: 'dotenv', variable: 'EVO_ACCESS_TOKEN' }

  it('has each new token, whole at every moment, until the logout', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 3 })
    await using home = await seededHome(server)
    const path = join(home.directory, '.env')
    writeFileSync(path, 'A=1\nEVO_ACCESS_TOKEN=of-yesterday\n# mine\n', { mode: 0o644 })
    await home.write({ ...configOf(home), files: [{ ...NAMED, path }] })
    await using daemon = await startDaemonProcess(home)
    const seen = new Set<string>()
    await until(
      'four tokens were written',
      () => {
        const [, token = ''] = /^A=1\nEVO_ACCESS_TOKEN=(\S+)\n# mine\n$/.exec(contentOf(path)) ?? []
        expect(token).not.toBe('')
        seen.add(token)
        return seen.size
      },
      (count) => count >= 4,
    )
    await until('the file has the token that is served', async () =>
      contentOf(path).includes(await goodToken(daemon.socket, 'me')),
    )
    expect(statSync(path).mode & 0o777).toBe(0o600)

    expect(await runCli(home, ['logout', 'me'])).toMatchObject({ code: 0 })
    await until(
      'the token is taken out of the file',
      () => contentOf(path),
      (content) => content === 'A=1\n# mine\n',
    )
  })

  it('in a git repository is written once git ignores it, and the log says so until then', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 3 })
    await using home = await seededHome(server)
    using repository = createRepository()
    mkdirSync(join(repository.directory, 'work'))
    const path = join(repository.directory, 'work/.env')
    await home.write({ ...configOf(home), files: [{ ...NAMED, path }] })
    await using daemon = await startDaemonProcess(home)
    const refused = await daemon.logged(({ msg }) => msg === 'a token file was not updated')
    expect(refused).toMatchObject({ app: 'me', file: path })
    expect(JSON.stringify(refused)).toContain('add it to .gitignore')
    expect(readdirSync(join(repository.directory, 'work'))).toEqual([])
    repository.write('.gitignore', '.env\n')
    await until('the file is written', () => existsSync(path))
    expect(repository.git('status', '--porcelain')).toBe('?? .gitignore\n')
  })
})

describe('a named pipe in the place of a .env', () => {
  const PIPED = 'is a named pipe, not a file.'

  it('is told of by reload, config check and doctor, and holds up neither them nor the stop', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server)
    const [piped, good] = [join(home.directory, 'pipe/.env'), join(home.directory, 'good.env')]
    mkdirSync(join(home.directory, 'pipe'))
    await home.write({
      ...configOf(home),
      files: [
        { app: 'me', format: 'dotenv', path: good },
        { app: 'me', format: 'dotenv', path: piped },
      ],
    })
    execFileSync('mkfifo', [piped])
    await using daemon = await startDaemonProcess(home)
    await until('the file has the token that is served', async () =>
      contentOf(good).includes(await goodToken(daemon.socket, 'me')),
    )

    const warning = `files[1].path: ${piped} ${PIPED}`
    const reloaded = await runCli(home, ['reload'])
    expect(reloaded.code).toBe(0)
    expect(reloaded.stderr).toContain(`warning: ${warning}`)
    const checked = await runCli(home, ['config', 'check'])
    expect(checked).toMatchObject({ code: 0, stdout: 'OK: 1 app\n' })
    expect(checked.stderr).toContain(`warning: ${home.config}: ${warning}`)
    const advice = await runCli(home, ['doctor', '--json'])
    const { checks } = JSON.parse(advice.stdout) as { checks: { id: string; detail: string }[] }
    expect(checks.at(-1)).toMatchObject({
      id: 'token-files',
      ok: false,
      detail: `~/pipe/.env ${PIPED}`,
    })

    rmSync(piped)
    expect((await runCli(home, ['reload'])).stderr).toBe('The config was read again.\n')
    expect(contentOf(piped)).toBe(contentOf(good))
    rmSync(piped)
    execFileSync('mkfifo', [piped])
    // The daemon has no reason to write it now, but looks.
    expect((await runCli(home, ['reload'])).stderr).toContain(`warning: ${warning}`)
    const startedAt = Date.now()
    expect(await daemon.stop('SIGTERM')).toBe(0)
    expect(Date.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('the guard', () => {
  const commit = ['commit', '--quiet', '--message', 'x']

  /** A repository with the hook, whose `evo-token` is the one that asks the daemon of `home`. */
  async function guarded(home: Home): Promise<Repository> {
    const bin = join(home.directory, 'bin')
    mkdirSync(bin)
    const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
    writeFileSync(join(bin, 'evo-token'), program, { mode: 0o755 })
    const { EVO_TOKEN_STATE_DIR, EVO_TOKEN_RUNTIME_DIR } = home.env
    const PATH = `${bin}:${process.env.PATH ?? ''}`
    const repository = createRepository({ PATH, EVO_TOKEN_STATE_DIR, EVO_TOKEN_RUNTIME_DIR })
    const installed = await repository.tryGit(['-c', 'alias.evo=!evo-token guard install', 'evo'])
    expect(installed).toMatchObject({ code: 0 })
    return repository
  }

  it('keeps everything that the daemon holds out of a commit, with file and line', async () => {
    await using server = await startAuthorizationServer({ accessTokenFormat: 'opaque' })
    const { clientId, clientSecret } = server.clients.service
    await using home = await seededHome(server, {
      others: { robot: { type: 'service', clientId, scopes: ['evo.discovery', 'evo.workspace'] } },
    })
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'robot'], { input: clientSecret })
    await until('the token was refreshed', () => server.count('refresh_token') === 1)
    const answer = () => server.requests.find((one) => one.grantType === 'refresh_token')?.answer
    await until(
      'the new token is served',
      async () => (await tokenOf(daemon.socket, 'me')) === answer()?.body.access_token,
    )
    const held = {
      'an access token': await tokenOf(daemon.socket, 'me'),
      'a refresh token': String(answer()?.body.refresh_token),
      'a client secret': clientSecret,
      'a token of a service app': await tokenOf(daemon.socket, 'robot'),
      'the key of the vault': readFileSync(join(home.stateDir, 'vault-key'), 'utf8').trim(),
      'the access key': readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim(),
    }
    using repository = await guarded(home)
    for (const [what, secret] of Object.entries(held)) {
      repository.stage('src/notes.md', `# Notes\n\nAs of today: ${secret}\n`)
      const refused = await repository.tryGit(commit)
      expect([what, refused.code]).toEqual([what, 1])
      expect(refused.said).toMatch(/ {2}src\/notes\.md:3: (a secret of ours|an access key)/)
      expect(refused.said).not.toContain(secret)
    }
    expect(await repository.tryGit(commit, { EVO_TOKEN_GUARD: 'off' })).toMatchObject({ code: 0 })
    repository.stage('src/more.md', held['a refresh token'])
    expect(await repository.tryGit(commit)).toMatchObject({ code: 1 })
    repository.stage('src/more.md', 'All is well.\n')
    expect(await repository.tryGit(commit)).toEqual({ code: 0, said: '' })
  })

  it('says that nothing was compared while the vault is locked', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server)
    writeFileSync(join(home.stateDir, 'vault-key'), 'no key at all')
    await using _daemon = await startDaemonProcess(home)
    using repository = await guarded(home)
    repository.stage('a.txt', 'a-secret-that-only-the-vault-knows\n')
    const { code, said } = await repository.tryGit(commit)
    expect(code).toBe(0)
    expect(said).toContain('the daemon could not compare')
    expect(said).toContain('is not a vault key')
  })
})

/** Any that is served; an opaque one tells nothing of itself. */
async function tokenOf(socket: string, app: string): Promise<string> {
  const { body } = await ask(socket, `/v1/apps/${app}/token`)
  return String(body.access_token)
}

function configOf(home: Home): object {
  return JSON.parse(readFileSync(home.config, 'utf8')) as object
}

function contentOf(path: string): string {
  return readFileSync(path, 'utf8')
}
