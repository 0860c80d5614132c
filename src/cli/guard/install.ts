/** `guard install`: puts `guard check` into the hooks of the repository of the current directory. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
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
    const refusal = await install(directory, hook, io)
    if (refusal) refusals.push(refusal)
  }
  if (refusals.length === 0) return 0
  // A hook that cannot have the guard keeps no other hook from it.
  const hints = new Set(refusals.map(({ hint }) => hint))
  throw new SidecarError('failed', refusals.map(({ message }) => message).join('\n'), {
    hint: [...hints].join(' '),
  })
}

/** Resolves with the reason why the hook was left as it is, if so. */
async function install(
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
      hint: 'Make it run what was printed on stdout, and fail where that fails.',
    })
  }
  if (before && !ownership.isProgram(before)) {
    return new SidecarError('failed', `${path} cannot be executed, so git does not run it.`, {
      hint: 'Make it executable or take it away, then try again.',
    })
  }
  await replace(path, after, before?.mode ?? 0o755)
  io.stderr.write(`${path} looks through every commit from now on.\n`)
  return undefined
}
/** Where git looks for hooks, `core.hooksPath` and linked work trees considered. */
async function hooksDirectory(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--git-path', 'hooks'])
    return resolve(stdout.replace(/\n$/, ''))
  } catch (error) {
    throw new SidecarError('failed', 'This directory is in no git repository.', {
      hint: 'Change to the repository that is to be guarded, then try again.',
      cause: error,
    })
  }
}

async function readExisting(path: string): Promise<{ text: string; mode: number } | undefined> {
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
    await platform.files.replaceFile(temporary, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new SidecarError('failed', `${path} cannot be written (${code}).`, { cause: error })
  }
}
