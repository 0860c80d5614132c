/** Installs packages where nothing is, and runs what they brought. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { PACKAGES } from '../support/packages.ts'
import { ROOT } from '../support/evo-world.ts'

export const { version: VERSION } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as { version: string }

/** The file whose name begins so. */
export function packageFile(begin: string, directory = PACKAGES): string {
  const found = readdirSync(directory).filter((name) => name.startsWith(begin))
  expect(found, `${begin}… in ${directory}`).toHaveLength(1)
  return join(directory, found[0] ?? '')
}

export interface EmptyPlace extends Disposable {
  readonly directory: string
  /** Nothing of the test runner's, but the ways to what a package may fetch. */
  readonly env: NodeJS.ProcessEnv
  /** Runs a program in it, which has to succeed; its standard output. */
  run(command: string, args: readonly string[]): string
}

export function createEmptyPlace(): EmptyPlace {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-place-'))
  mkdirSync(join(directory, 'home'))
  const ways = Object.entries(process.env).filter(([name]) => /^(npm_config_|pip_)/i.test(name))
  const env = {
    ...Object.fromEntries(ways),
    PATH: process.env.PATH,
    HOME: join(directory, 'home'),
    npm_config_update_notifier: 'false',
    // Of the person who runs the tests: what is fetched is fetched once.
    PIP_CACHE_DIR: join(process.env.HOME ?? '', '.cache/pip'),
  }
  return {
    directory,
    env,
    run(command, args) {
      const options = { cwd: directory, env, encoding: 'utf8' } as const
      const { status, stdout, stderr, error } = spawnSync(command, args, options)
      if (error) throw error
      expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
      return stdout
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
