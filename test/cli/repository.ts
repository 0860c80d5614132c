/** A real git repository in a directory of its own, with nothing of the tester's git in it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { missingCommands } from '../support/needs.ts'

export const gitMissing = missingCommands('git')

export interface Repository extends Disposable {
  readonly directory: string
  /** Runs git; throws what it said where it failed. */
  git(...args: readonly string[]): string
  /** How git ends, where it may fail, and where its hooks ask a server in this process. */
  tryGit(
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
  ): Promise<{ code: number | null; said: string }>
  write(path: string, content: string | Buffer): void
  /** Writes and stages. */
  stage(path: string, content: string | Buffer): void
}

export function createRepository(env: NodeJS.ProcessEnv = {}): Repository {
  const directory = mkdtempSync(join(tmpdir(), 'evo-git-'))
  const own = {
    PATH: process.env.PATH,
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ...env,
  }
  const repository: Repository = {
    directory,
    async tryGit(args, more = {}) {
      const child = spawn('git', args, { cwd: directory, env: { ...own, ...more } })
      const said = Promise.all([text(child.stdout), text(child.stderr)])
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, said: (await said).join('') }
    },
    git(...args) {
      const result = spawnSync('git', args, { cwd: directory, env: own, encoding: 'utf8' })
      if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`)
      return result.stdout
    },
    write(path, content) {
      const file = join(directory, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    },
    stage(path, content) {
      repository.write(path, content)
      repository.git('add', '--force', '--', path)
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
  repository.git('init', '--quiet')
  return repository
}
