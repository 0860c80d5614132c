/**
 * `guard check`: refuses a commit that would hold a secret. What is staged never leaves this
 * process: the daemon is asked about hashes, and the secret itself is never printed.
 */
import { createClient } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'
import { type AddedLines, linesInRange, messageLines, stagedLines } from './added-lines.ts'
import { candidatesOf, mayBeGlued, phrasesIn, runsIn } from './candidates.ts'
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
  const shaped = await look(lines, comparison)
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

/** Looks at every line, and gives those with the shape of a secret in them. */
async function look(source: AddedLines, comparison: Comparison<Found>): Promise<Found[]> {
  const shaped = new Set<Found>()
  const unwrapper = createUnwrapper()
  let found: Found | undefined
  const lookAt = async (text: string, at: Found) => {
    at.allowed ||= ALLOWANCE.test(text.replaceAll('\0', ''))
    if (!at.allowed) await lookInto(text, at, comparison)
    if (at.shape !== undefined) shaped.add(at)
  }
  const lookAtBlock = async (block: AddedLine | undefined) => {
    if (block) await lookAt(block.text, foundAt(block))
  }
  for await (const lines of source) {
    for (const line of lines) {
      await lookAtBlock(unwrapper.add(line))
      if (line.first || !found) found = foundAt(line)
      await lookAt(line.text, found)
    }
  }
  await lookAtBlock(unwrapper.end())
  return [...shaped].filter(({ allowed }) => !allowed)
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
