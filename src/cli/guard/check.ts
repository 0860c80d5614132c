/**
 * `guard check`: refuses a commit that would hold a secret. What is staged never leaves this
 * process: the daemon is asked about hashes, and the secret itself is never printed.
 */
import { createClient } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'
import { type AddedLines, linesInRange, messageLines, stagedLines } from './added-lines.ts'
import { candidatesOf, mayBeGlued, phrasesIn, runsIn, SHORTEST, wordsIn } from './candidates.ts'
import { type Compared, type Comparison, createComparison } from './comparison.ts'
import type { AddedLine } from './diff.ts'
import { formsOf } from './forms.ts'
import { type Shape, shapesIn } from './shapes.ts'
import { createUnwrapper } from './wrapped.ts'

/** A line with these words passes; the zeros of UTF-16 are ignored. */
const ALLOWANCE = /evo-token: ?allow\b/

/** The most findings that are shown. */
const MOST_SHOWN = 50

/** A line, as far as findings are about it. */
interface Found {
  readonly file: string
  readonly place: string
  allowed: boolean
  shape: Shape | undefined
}

export async function run(invocation: Invocation): Promise<number> {
  const { stderr, env } = invocation.io
  const [range, message] = [invocation.text('range'), invocation.text('message')]
  if (range !== undefined && message !== undefined) {
    throw usageFault(invocation.command, 'takes --range or --message, not both')
  }
  // To git this begins at HEAD, which in a CI is the end too: nothing would be looked at.
  if (range?.startsWith('..')) {
    throw usageFault(
      invocation.command,
      `needs both ends of a range, A..B, and "${plain(range)}" has no first one; is a variable empty?`,
    )
  }
  if (env.EVO_TOKEN_GUARD === 'off') {
    // The hook for the message comes after one that has said so.
    if (message === undefined) {
      stderr.write('evo-token: EVO_TOKEN_GUARD=off, so this commit was not looked at.\n')
    }
    return 0
  }
  const comparison = createComparison<Found>(createClient(invocation.place))
  const lines =
    range !== undefined
      ? linesInRange(range)
      : message !== undefined
        ? messageLines(message)
        : stagedLines()
  const { shaped, any } = await look(lines, comparison)
  if (range !== undefined && !any) {
    stderr.write(`evo-token: No commit is in ${plain(range)}, so none was looked at.\n`)
  }
  const compared = await comparison.end()
  for (const missing of missingIn(compared)) stderr.write(`evo-token: ${missing}\n`)
  const findings = new Map<string, string>(shaped.map(({ place, shape = '' }) => [place, shape]))
  for (const [sha256, { place }] of compared.held) {
    findings.set(place, `a secret of ours (${sha256.slice(0, 8)})`)
  }
  if (findings.size === 0) return 0
  stderr.write(`evo-token: ${refusal([...findings], range)}\n`)
  return 1
}

interface Looked {
  /** The lines with the shape of a secret in them. */
  readonly shaped: readonly Found[]
  /** Whether there was a line at all. */
  readonly any: boolean
}

/** Looks at every line. */
async function look(source: AddedLines, comparison: Comparison<Found>): Promise<Looked> {
  let any = false
  const shaped = new Set<Found>()
  const unwrapper = createUnwrapper()
  let found: Found | undefined
  const lookAt = async (text: string, at: Found) => {
    at.allowed ||= ALLOWANCE.test(text.replaceAll('\0', ''))
    if (!at.allowed) await lookInto(text, at, comparison)
    if (at.shape !== undefined) shaped.add(at)
  }
  for await (const lines of source) {
    for (const line of lines) {
      any = true
      const block = unwrapper.add(line)
      if (block) await lookAt(block.text, foundAt(block))
      // Nothing in millions of short lines is a secret, or looks like one.
      if (line.first && line.last && line.text.length < SHORTEST) continue
      if (line.first || !found) found = foundAt(line)
      await lookAt(line.text, found)
    }
  }
  const block = unwrapper.end()
  if (block) await lookAt(block.text, foundAt(block))
  return { shaped: [...shaped].filter(({ allowed }) => !allowed), any }
}

function foundAt({ commit, file, line }: AddedLine): Found {
  return { file, place: `${commit}${plain(file)}:${line}`, allowed: false, shape: undefined }
}

async function lookInto(text: string, at: Found, comparison: Comparison<Found>): Promise<void> {
  for (const form of formsOf(text)) {
    at.shape ??= shapesIn(form)[0]
    for (const phrase of phrasesIn(form)) await comparison.add(at, phrase)
    for (const run of runsIn(form)) {
      for (const candidate of candidatesOf(run)) await comparison.add(at, candidate)
      if (mayBeGlued(run)) comparison.addRun(at, run)
    }
    for (const word of wordsIn(form)) comparison.addWord(at, word)
  }
}

/** What would have passed unseen, in a sentence for each reason. */
function* missingIn({ failure, incomplete }: Compared<Found>): Generator<string> {
  const shapes = 'a JWT, an access key, a client secret beside its name or a Basic header'
  if (failure !== undefined) {
    yield `Only what looks like ${shapes} was looked for; a refresh token, an opaque access token or a secret alone passes unseen, because the daemon could not compare: ${plain(failure)}`
  }
  if (incomplete.size > 0) {
    const files = [...incomplete].slice(0, 5).map(plain).join(', ')
    yield `There is too much in ${files}${incomplete.size > 5 ? ' and others' : ''} to compare all of it with the secrets of the daemon: the rest was looked through for what looks like ${shapes}.`
  }
}

function refusal(findings: readonly (readonly [string, string])[], range?: string): string {
  const shown = findings.slice(0, MOST_SHOWN).map(([place, what]) => `  ${place}: ${what}\n`)
  const more = findings.length - shown.length
  const list = `${shown.join('')}${more > 0 ? `  and ${more} more\n` : ''}`
  const harmless = 'A line that is harmless passes with the words `evo-token: allow` in it'
  return range === undefined
    ? `This commit would give away secrets:\n${list}Take them out and stage the files again. ${harmless}; \`EVO_TOKEN_GUARD=off git commit\` lets everything pass once.`
    : `These commits give away secrets:\n${list}Take them out of the history, and replace those that were pushed. ${harmless}.`
}
