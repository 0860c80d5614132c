/**
 * `docs/reliability.md`, put together from what each part measured when it was last run. What was
 * measured is kept beside it, in `docs/reliability.json`: a part that is run alone replaces its own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { dirname, join } from 'node:path'
import { MAIN } from '../../support/daemon-process.ts'
import type { Measured } from './part.ts'
import { PARTS } from './parts.ts'

const DOCS = join(dirname(MAIN), '../docs')

/** What one part measured, and when and where. */
export interface Entry extends Measured {
  readonly date: string
  readonly machine: string
  readonly minutes: number
  readonly seed: number
}

export type Entries = Readonly<Record<string, Entry>>

const PROMISES: readonly string[] = [
  'a kill -9 costs no session, except between the server spending a token and our disk having its successor',
  'a SIGTERM costs none where the answer comes within 32 s, exits within 35 s, leaves nothing behind',
  'no fault on the path costs a session, but an answer lost after the server rotated',
  'a vault that cannot write: nothing is asked, the token is served',
  'a thousand callers, one request',
  'sleep and clock steps serve nothing expired, ask for no sign-in, set off no storm',
  'a damaged record costs its app alone, and is kept; one of a newer version is left alone',
  'changes that meet: what was asked last holds, nothing is left unrevoked',
  'a vault that does not fit is locked, and nothing in it moves',
  'one daemon per state directory',
  'a soak',
  'many apps that are due at once: a kill costs one session at most, and the last one is fresh soon',
  'sessions shared by many hosts: no generation is spent twice, nothing expired is served',
]

export function toEntry(measured: Measured, seed: number, minutes: number): Entry {
  const machine = `Node ${process.versions.node}, ${type()} ${release()}, ${cpus().length} cores`
  return { date: new Date().toISOString().slice(0, 10), machine, minutes, seed, ...measured }
}

export function readEntries(): Entries {
  const path = join(DOCS, 'reliability.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Entries) : {}
}

export function writeEntries(entries: Entries): void {
  writeFileSync(join(DOCS, 'reliability.json'), `${JSON.stringify(entries, null, 2)}\n`)
  writeFileSync(join(DOCS, 'reliability.md'), documentOf(entries))
}

export function documentOf(entries: Entries): string {
  const measured = PARTS.flatMap((part) => {
    const entry = entries[part.name]
    return entry ? [{ ...part, entry }] : []
  })
  const rows = PROMISES.map((promise, at) => {
    const outcomes = measured.flatMap(({ entry }) => entry.outcomes[at + 1] ?? [])
    return `| ${at + 1} | ${promise} | ${outcomes.join('; ') || 'not measured'} |`
  })
  const wrong = measured.flatMap(({ entry }) => entry.wrong)
  const sections = measured.map(({ name, heading, entry }) => {
    const { date, machine, minutes, seed, section } = entry
    const numbers = Object.keys(entry.outcomes).join(', ')
    return `## ${heading}${numbers ? ` (${numbers})` : ''}

\`npm run faults -- ${name} --seed ${seed}\`, ${date}, ${minutes} min on ${machine}.

${section}`
  })
  return `# Reliability

What is promised about sessions, and what it came to. This file is written by the run that measured it,
\`npm run faults\`; it is not edited by hand. The fast form of all of it is part of \`npm test\`.

The same seed makes the same draws; what the machine makes of them differs a little each time.

| | promise | what it came to |
|---|---|---|
${rows.join('\n')}

${wrong.length > 0 ? `**Not as it must be:** ${wrong.join('; ')}.` : 'Everything was as it must be.'}

${sections.join('\n')}`
}
