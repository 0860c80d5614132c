/** What a commit would add, or what commits have added, read from git while it prints it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { SidecarError } from '../../errors.ts'
import { type AddedLine, COMMIT_FORMAT, createDiffParser, MESSAGE } from './diff.ts'
import { linesOf } from './lines.ts'

export type AddedLines = AsyncGenerator<AddedLine[]>

/** Overrides the user's diff settings; binary files too, since they may hold a token. */
const HOW = [
  '--patch',
  '--unified=0',
  '--text',
  '--find-renames',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--no-relative',
  '--ignore-submodules',
  '--src-prefix=a/',
  '--dst-prefix=b/',
]

/** What is staged. @throws {SidecarError} `failed` where git cannot tell. */
export async function* stagedLines(): AddedLines {
  const diff = git(['diff', '--cached', ...HOW])
  yield* parseLines(diff.output)
  const reason = await diff.failure
  if (reason !== undefined) {
    throw new SidecarError('failed', `What is staged here cannot be read: ${reason}.`, {
      hint: 'Run it in a git repository.',
    })
  }
}

/** Every commit in `range`, with its message. @throws {SidecarError} `failed` where git cannot tell. */
export async function* linesInRange(range: string): AddedLines {
  const commits = git(['rev-list', '--end-of-options', withoutZeros(range), '--'])
  const format = [
    '--stdin',
    '--root',
    '-r',
    '-m',
    '--always',
    '--encoding=UTF-8',
    `--format=${COMMIT_FORMAT}`,
  ]
  const diff = git(['diff-tree', ...format, ...HOW], commits.output)
  yield* parseLines(diff.output)
  const reason = (await commits.failure) ?? (await diff.failure)
  if (reason !== undefined) {
    throw new SidecarError('failed', `The commits of ${range} cannot be read: ${reason}.`, {
      hint: 'Both ends have to be in this repository: a shallow clone may lack them (`git fetch --unshallow`).',
    })
  }
}

/**
 * The message that `git commit` has in `file`, up to where git cuts it off: what follows is a diff.
 *
 * @throws {SidecarError} `failed` where there is none.
 */
export async function* messageLines(file: string): AddedLines {
  let line = 0
  for await (const pieces of linesOf(messageIn(file))) {
    const found: AddedLine[] = []
    for (const piece of pieces) {
      if (/^\S+ -{24} >8 -{24}\r?$/.test(piece.text)) {
        yield found
        return
      }
      if (piece.first) line++
      found.push({ ...piece, commit: '', file: MESSAGE, line })
    }
    yield found
  }
}

async function* messageIn(file: string): AsyncGenerator<string> {
  try {
    yield* createReadStream(file, 'latin1') as AsyncIterable<string>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new SidecarError('failed', `The commit message in ${file} cannot be read (${code}).`)
  }
}

/** A CI has zeros for the commit before the first one of a branch: then every commit of it is new. */
function withoutZeros(range: string): string {
  return range.replace(/^0{40,}\.\.\.?(?=.)/, '')
}

async function* parseLines(output: AsyncIterable<string>): AddedLines {
  const parse = createDiffParser()
  for await (const pieces of linesOf(output)) {
    const found: AddedLine[] = []
    for (const piece of pieces) {
      const added = parse(piece)
      if (added) found.push(added)
    }
    yield found
  }
}

/** `failure` says why git failed, once it has ended. */
function git(args: readonly string[], input?: Readable) {
  const command = ['-c', 'core.quotePath=false', ...args]
  const child = spawn('git', command, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'ignore'] })
  const { stdin, stdout } = child
  if (input && stdin) {
    // It may end before it has read everything; its exit code tells.
    stdin.on('error', () => undefined)
    input.pipe(stdin)
  }
  if (!stdout) throw new Error('a child without stdout')
  return {
    output: stdout.setEncoding('latin1') as Readable & AsyncIterable<string>,
    failure: failureOf(child),
  }
}

async function failureOf(child: ChildProcess): Promise<string | undefined> {
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? undefined : 'git finds no such thing here'
  } catch {
    return 'git cannot be run'
  }
}
