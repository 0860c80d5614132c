/**
 * The message that a commit is about to get. Below the scissors line `git commit --verbose` shows the diff and
 * cuts both off. With another clean-up mode both stay, and no hook is told the mode. So what is below is
 * checked too, except the lines of that diff.
 */
import { createReadStream, statSync } from 'node:fs'
import { diskErrorInWords, isDiskError } from '../../adapters/files/disk-errors.ts'
import { SidecarError } from '../../errors.ts'
import { isPassed } from '../passed-file.ts'
import type { AddedLines } from './added-lines.ts'
import { type AddedLine, MESSAGE_FILE } from './diff.ts'
import { streamGit } from './git.ts'
import { splitLines } from './lines.ts'

/** It follows the comment string, which may be any (`core.commentString`). */
const SCISSORS = / -{24} >8 -{24}\r?$/

/**
 * What `git commit --verbose` may show: what is staged, compared with the last commit or, for
 * `--amend`, with the one before; given twice, what is not staged too.
 */
const DIFFS_SHOWN = [['--cached'], ['--cached', 'HEAD~'], []]

/**
 * The lines of the message that git has in `file`.
 *
 * @throws {SidecarError} `failed` where the file cannot be read.
 */
export async function* messageLines(file: string, env: NodeJS.ProcessEnv): AddedLines {
  let line = 0
  let shown: ReadonlySet<string> | undefined
  for await (const pieces of splitLines(messageIn(file))) {
    const found: AddedLine[] = []
    for (const piece of pieces) {
      if (piece.first) line++
      if (shown?.has(piece.text)) continue
      found.push({ ...piece, commit: '', file: MESSAGE_FILE, line })
      if (SCISSORS.test(piece.text)) shown ??= await diffShown(env)
    }
    yield found
  }
}

async function* messageIn(file: string): AsyncGenerator<string> {
  try {
    const passed = isPassed(file)
    const stats = statSync(file)
    if (!stats.isFile() && !passed) throw toUnreadableError(file, 'it is no regular file')
    // The files of the kernel say that they are empty, and may keep us for ever.
    if (stats.size === 0 && !passed) return
    const end = passed ? Infinity : stats.size - 1
    yield* createReadStream(file, { encoding: 'latin1', end }) as AsyncIterable<string>
  } catch (error) {
    if (!isDiskError(error)) throw error
    throw toUnreadableError(file, diskErrorInWords(error))
  }
}

function toUnreadableError(file: string, reason: string): SidecarError {
  return new SidecarError('failed', `The commit message in ${file} cannot be read: ${reason}.`, {
    hint: 'Give the file that git names to its commit-msg hook.',
  })
}

/** The lines of the diff that git may have put below the scissors. It shows none where it opens no editor (githooks(5), commit-msg). */
async function diffShown(env: NodeJS.ProcessEnv): Promise<ReadonlySet<string>> {
  const lines = new Set<string>()
  if (env.GIT_EDITOR === ':') return lines
  for (const against of DIFFS_SHOWN) {
    const diff = streamGit(['diff', '--no-color', '--no-ext-diff', ...against])
    for await (const pieces of splitLines(diff.output)) {
      for (const { text } of pieces) lines.add(text)
    }
    // It fails where there is no earlier commit: then that diff has no lines to leave out.
    await diff.failure
  }
  return lines
}
