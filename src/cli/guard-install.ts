/** `guard install`: puts `guard check` into the pre-commit hook of the repository one stands in. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { SidecarError } from '../errors.ts'
import type { Invocation } from './command.ts'

const BEGIN = '# evo-token guard: keeps tokens and secrets out of commits'
const END = '# evo-token guard: end'

/**
 * What the hook runs. A machine without evo-token has no tokens of it either, so there a commit
 * passes, and says so: the hook may be shared.
 */
const BLOCK = `${BEGIN}
if command -v evo-token >/dev/null 2>&1; then
  evo-token guard check || exit 1
else
  echo 'evo-token is not on the PATH: this commit was not looked through for tokens.' >&2
fi
${END}
`

/** Hooks that a shell runs: anything else cannot take the block. */
const SHELL = /^#! ?(\/usr)?\/bin\/(env )?(sh|bash|dash|zsh|ksh)\b/

export async function run({ io }: Invocation): Promise<number> {
  const path = await hookPath()
  const hook = await existing(path)
  if (hook?.text.includes(BEGIN)) {
    io.stderr.write(`${path} has the guard already.\n`)
    return 0
  }
  if (hook && !SHELL.test(hook.text)) {
    io.stdout.write(BLOCK)
    throw new SidecarError('failed', `${path} is no shell script, so it was left as it is.`, {
      hint: 'Make it run what was printed on stdout, and fail where that fails.',
    })
  }
  if (hook && (hook.mode & 0o100) === 0) {
    throw new SidecarError('failed', `${path} cannot be executed, so git does not run it.`, {
      hint: 'Make it executable or take it away, then try again.',
    })
  }
  // At the beginning: whatever the hook does at its end, `exec` or `exit`, does not skip the guard.
  const [first = '', ...others] = (hook?.text ?? '#!/bin/sh\n').split('\n')
  await replace(path, `${first}\n${BLOCK}${others.join('\n')}`, hook?.mode ?? 0o755)
  io.stderr.write(`${path} looks through every commit from now on.\n`)
  return 0
}

/** Where git looks for the hook, `core.hooksPath` and linked work trees considered. */
async function hookPath(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--git-path', 'hooks'])
    const path = resolve(stdout.replace(/\n$/, ''), 'pre-commit')
    return await realpath(path).catch(() => path)
  } catch (error) {
    throw new SidecarError('failed', 'This directory is in no git repository.', {
      hint: 'Change to the repository that is to be guarded, then try again.',
      cause: error,
    })
  }
}

async function existing(path: string): Promise<{ text: string; mode: number } | undefined> {
  try {
    const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { text, mode: mode & 0o777 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A commit made meanwhile finds the old hook or the new one, never half of it. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, text, { mode, flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new SidecarError('failed', `${path} cannot be written (${code}).`, { cause: error })
  }
}
