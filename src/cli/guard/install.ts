/** `guard install`: puts `guard check` into the hooks of the repository of the current directory. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { diskErrorInWords, isDiskError, wayOutOf } from '../../adapters/files/disk-errors.ts'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import type { Invocation } from '../command.ts'
import type { Io } from '../io.ts'
import { type Hook, HOOKS, withGuard } from './hooks.ts'

export async function run({ io }: Invocation): Promise<number> {
  const directory = await hooksDirectory()
  const refusals: SidecarError[] = []
  for (const hook of HOOKS) {
    const refusal = await installHook(directory, hook, io).catch((error: unknown) => {
      if (error instanceof SidecarError) return error
      throw error
    })
    if (refusal) refusals.push(refusal)
  }
  if (refusals.length === 0) return 0
  // All hooks are tried, also where one was refused.
  const hints = new Set(refusals.map(({ hint }) => hint))
  throw new SidecarError('failed', refusals.map(({ message }) => message).join('\n'), {
    hint: [...hints].join(' '),
  })
}

/** Resolves with the reason why the hook was left as it is; undefined where it has the guard. */
async function installHook(
  directory: string,
  hook: Hook,
  io: Pick<Io, 'stdout' | 'stderr'>,
): Promise<SidecarError | undefined> {
  const named = join(directory, hook.name)
  const path = await realpath(named).catch(() => named)
  const before = await readExisting(path)
  const after = withGuard(before?.text, hook)
  if (after === before?.text) {
    io.stderr.write(`${path} has the guard already.\n`)
    return undefined
  }
  if (after === undefined) {
    io.stdout.write(hook.block)
    return new SidecarError('failed', `${path} is no shell script, so it was left as it is.`, {
      hint: 'Make it run the lines on stdout, and fail where they fail.',
    })
  }
  if (before && !ownership.isProgram(before)) {
    return new SidecarError('failed', `${path} cannot be executed, so git does not run it.`, {
      hint: 'Make it executable or remove it, then try again.',
    })
  }
  await replaceHook(path, after, before?.mode ?? 0o755)
  io.stderr.write(`${path} checks every commit from now on.\n`)
  return undefined
}

/** The directory in which git looks for hooks, also with `core.hooksPath` and in linked work trees. */
async function hooksDirectory(): Promise<string> {
  const git = platform.programFor('git', process.env)
  if (git === undefined) {
    throw new SidecarError('failed', 'There is no git in PATH.', {
      hint: 'Install git, then try again in a new window.',
    })
  }
  try {
    const { stdout } = await promisify(execFile)(git, ['rev-parse', '--git-path', 'hooks'])
    return resolve(stdout.replace(/\n$/, ''))
  } catch (error) {
    throw new SidecarError('failed', 'This directory is in no git repository.', {
      hint: 'Change to the repository that the guard is for, then try again.',
      cause: error,
    })
  }
}

async function readExisting(path: string): Promise<{ text: string; mode: number } | undefined> {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) {
      throw new SidecarError('failed', `${path} is no file, so it was left as it is.`, {
        hint: 'Take it away, then try again.',
      })
    }
    return { text: await readFile(path, 'utf8'), mode: stats.mode & 0o777 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A commit made meanwhile finds the old hook or the new one, never half of it. */
async function replaceHook(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, text, { mode, flag: 'wx' })
    await platform.files.replaceFile(temporary, path)
  } catch (error) {
    if (!isDiskError(error)) throw error
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new SidecarError('failed', `${path} cannot be written: ${diskErrorInWords(error)}.`, {
      cause: error,
      hint: wayOutOf(error),
    })
  }
}
