/** Waits for something to become true that nothing announces. */
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

/** Shorter than the time limit of a test, so that the test fails with what it waited for. */
const LIMIT_MS = 40_000

/** Between two looks it waits for a tenth of the time since the first one, within these limits. */
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 50

/** What came last in a long text says more than how it began. */
const SHOWN_CHARACTERS = 2_000

export interface UntilOptions {
  readonly limitMs?: number
}

/**
 * Looks until what it sees is `true`. A file that is missing (`ENOENT`) is not there yet.
 *
 * @param what a part of a sentence: `the app is ready`.
 * @throws {Error} that says `what`, when the time is over.
 */
export function until(what: string, look: () => boolean | Promise<boolean>): Promise<void>
/**
 * Looks until what it sees `fits`, which is the result. A file that is missing (`ENOENT`) is not there yet.
 *
 * @throws {Error} that says `what` and what was seen last, when the time is over.
 */
export function until<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  fits: (seen: Awaited<Seen>) => boolean,
  options?: UntilOptions,
): Promise<Awaited<Seen>>
export async function until<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  fits: (seen: Awaited<Seen>) => boolean = (seen) => seen === true,
  { limitMs = LIMIT_MS }: UntilOptions = {},
): Promise<Awaited<Seen>> {
  const startedAt = performance.now()
  const ended = new AbortController()
  const timeOver = sleep(limitMs, undefined, { signal: ended.signal }).catch(() => undefined)
  let last: Look<Awaited<Seen>> | undefined
  try {
    for (;;) {
      // A look that never ends is over then, too. The first of two that are settled wins.
      const looked = await Promise.race([timeOver, lookOnce(look)])
      if (looked === undefined) break
      if ('seen' in looked && fits(looked.seen)) return looked.seen
      last = looked
      const pauseMs = (performance.now() - startedAt) / 10
      const within = Math.min(Math.max(pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS)
      await Promise.race([sleep(within), timeOver])
    }
  } finally {
    ended.abort()
  }
  throw new Error(`Waited ${limitMs / 1000} s in vain until ${what}${describeLast(last)}`)
}

type Look<Seen> = { readonly seen: Seen } | { readonly missing: Error }

async function lookOnce<Seen>(look: () => Seen | Promise<Seen>): Promise<Look<Awaited<Seen>>> {
  try {
    return { seen: await look() }
  } catch (error) {
    if (isMissingFile(error)) return { missing: error }
    throw error
  }
}

/** Whether a file is not there (yet). A program that cannot be started has the same code, but is waited for in vain. */
function isMissingFile(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const { code, syscall = '' }: NodeJS.ErrnoException = error
  return code === 'ENOENT' && !syscall.startsWith('spawn')
}

function describeLast(last: Look<unknown> | undefined): string {
  if (last === undefined) return '. The first look has not ended.'
  if ('missing' in last) return `. Last seen: ${last.missing.message}`
  const { seen } = last
  if (typeof seen === 'boolean') return '.'
  const shown = typeof seen === 'string' ? seen.slice(-SHOWN_CHARACTERS) : inspect(seen)
  return `. Last seen: ${shown}`
}
