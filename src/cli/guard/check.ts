/**
 * `guard check`: refuses a commit that would contain a secret. What is staged never leaves this process:
 * the daemon is asked about hashes, and a secret is never printed.
 */
import { createClient } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'
import { type AddedLines, linesInRange, readStagedLines } from './added-lines.ts'
import {
  candidatesOf,
  mayBeGlued,
  phrasesIn,
  runsIn,
  CANDIDATE_MIN_LENGTH,
  candidateWords,
} from './candidates.ts'
import { type ComparisonResult, type Comparison, createComparison } from './comparison.ts'
import { type AddedLine, NAME_LINE } from './diff.ts'
import { decodeForms } from './forms.ts'
import { messageLines } from './message-lines.ts'
import { type Shape, shapesIn } from './shapes.ts'
import { createUnwrapper } from './wrapped.ts'

/** A line with these words passes. The NULs of UTF-16 are removed first. */
const ALLOWED_LINE = /evo-token: ?allow\b/

/** The most findings that are shown. */
const MOST_SHOWN = 50

/** A line that is checked: where it is, and what was found. */
interface CheckedLine extends Pick<AddedLine, 'commit' | 'file' | 'line'> {
  allowed: boolean
  shape: Shape | undefined
}

export async function run(invocation: Invocation): Promise<number> {
  const { stderr, env } = invocation.io
  const [range, message] = [invocation.text('range'), invocation.text('message')]
  if (range !== undefined && message !== undefined) {
    throw usageFault(invocation.command, 'takes --range or --message, not both')
  }
  // Git begins such a range at HEAD, which in a CI is its end too: no commit would be looked at.
  if (range?.startsWith('..')) {
    throw usageFault(
      invocation.command,
      `needs both ends of a range, A..B, and "${plain(range)}" has no first one; is a variable empty?`,
    )
  }
  if (env.EVO_TOKEN_GUARD === 'off') {
    // The hook for the message runs after one that has said so.
    if (message === undefined) {
      stderr.write('evo-token: EVO_TOKEN_GUARD=off, so this commit was not looked at.\n')
    }
    return 0
  }
  const comparison = createComparison<CheckedLine>(createClient(invocation.place))
  const lines =
    range !== undefined
      ? linesInRange(range)
      : message !== undefined
        ? messageLines(message, env)
        : readStagedLines()
  const { shaped, any } = await searchLines(lines, comparison)
  if (range !== undefined && !any) {
    stderr.write(`evo-token: No commit is in ${plain(range)}, so none was looked at.\n`)
  }
  const compared = await comparison.end()
  for (const missing of missingIn(compared)) stderr.write(`evo-token: ${missing}\n`)
  const found = [...shaped, ...compared.held.values()]
  const hidden = new Set(found.filter(({ line }) => line === NAME_LINE).map(({ file }) => file))
  const placeOf = ({ commit, file, line }: CheckedLine) => {
    const name = hidden.has(file) ? withoutSecret(file) : file
    return line === NAME_LINE
      ? `${commit}the name of ${plain(name)}`
      : `${commit}${plain(name)}:${line}`
  }
  const findings = new Map<string, string>(shaped.map((line) => [placeOf(line), line.shape ?? '']))
  for (const [sha256, line] of compared.held) {
    findings.set(placeOf(line), `a secret of ours (${sha256.slice(0, 8)})`)
  }
  if (findings.size === 0) return 0
  stderr.write(`evo-token: ${describeFindings([...findings], range)}\n`)
  return 1
}

/** A name that has a secret in it, as far as it can be shown. */
function withoutSecret(name: string): string {
  return name.replace(/[^/]{16,}/g, (part) => `${part.slice(0, 4)}…`)
}

interface LookResult {
  /** The lines with the shape of a secret in them. */
  readonly shaped: readonly CheckedLine[]
  /** Whether there was a line at all. */
  readonly any: boolean
}

/** Searches every line for shapes, and hands candidates to `comparison`. */
async function searchLines(
  source: AddedLines,
  comparison: Comparison<CheckedLine>,
): Promise<LookResult> {
  let any = false
  const shaped = new Set<CheckedLine>()
  const unwrapper = createUnwrapper()
  let found: CheckedLine | undefined
  const lookAt = async (text: string, at: CheckedLine) => {
    at.allowed ||= ALLOWED_LINE.test(text.replaceAll('\0', ''))
    if (!at.allowed) await lookInto(text, at, comparison)
    if (at.shape !== undefined) shaped.add(at)
  }
  for await (const lines of source) {
    for (const line of lines) {
      any = true
      const block = line.line === NAME_LINE ? undefined : unwrapper.add(line)
      if (block) await lookAt(block.text, foundAt(block))
      // A line that is too short for a secret is skipped: there may be millions.
      if (line.first && line.last && line.text.length < CANDIDATE_MIN_LENGTH) continue
      if (line.first || !found) found = foundAt(line)
      await lookAt(line.text, found)
    }
  }
  const block = unwrapper.end()
  if (block) await lookAt(block.text, foundAt(block))
  return { shaped: [...shaped].filter(({ allowed }) => !allowed), any }
}

function foundAt({ commit, file, line }: AddedLine): CheckedLine {
  return { commit, file, line, allowed: false, shape: undefined }
}

async function lookInto(
  text: string,
  at: CheckedLine,
  comparison: Comparison<CheckedLine>,
): Promise<void> {
  for (const form of decodeForms(text)) {
    at.shape ??= shapesIn(form)[0]
    for (const phrase of phrasesIn(form)) await comparison.add(at, phrase)
    for (const run of runsIn(form)) {
      for (const candidate of candidatesOf(run)) await comparison.add(at, candidate)
      if (mayBeGlued(run)) comparison.addRun(at, run)
    }
    for (const word of candidateWords(form)) comparison.addWord(at, word)
  }
}

/** What was not looked for: a sentence for each reason. */
function* missingIn({ failure, incomplete }: ComparisonResult<CheckedLine>): Generator<string> {
  const shapes = 'a JWT, an access key, a client secret beside its name or a Basic header'
  if (failure !== undefined) {
    yield `Only what looks like ${shapes} was looked for; a refresh token, an opaque access token or a secret alone passes unseen, because the daemon could not compare: ${plain(failure)}`
  }
  if (incomplete.size > 0) {
    const files = [...incomplete].slice(0, 5).map(plain).join(', ')
    yield `There is too much in ${files}${incomplete.size > 5 ? ' and others' : ''} to compare all of it with the secrets of the daemon: the rest was only searched for what looks like ${shapes}.`
  }
}

function describeFindings(
  findings: readonly (readonly [string, string])[],
  range?: string,
): string {
  const shown = findings.slice(0, MOST_SHOWN).map(([place, what]) => `  ${place}: ${what}\n`)
  const more = findings.length - shown.length
  const list = `${shown.join('')}${more > 0 ? `  and ${more} more\n` : ''}`
  const harmless = 'A line that is harmless passes with the words `evo-token: allow` in it'
  return range === undefined
    ? `This commit would give away secrets:\n${list}Take them out and stage the files again. ${harmless}; \`EVO_TOKEN_GUARD=off git commit\` lets everything pass once.`
    : `These commits give away secrets:\n${list}Take them out of the history, and replace those that were pushed. ${harmless}.`
}
