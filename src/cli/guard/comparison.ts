/**
 * Asks the daemon which candidates it holds, by their SHA-256 alone. Their number is bounded: the daemon
 * answers for a quarter of a million in a second.
 */
import { hash } from 'node:crypto'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { SidecarError } from '../../errors.ts'
import { gluedIn, valuesIn } from './candidates.ts'

/** As many digests as fit into the 16 KiB of a request. */
const DIGESTS_PER_REQUEST = 240

/** Requests at the same time. */
const REQUESTS_AT_ONCE = 4

/** A commit does not wait for a daemon that hangs. */
const GUARD_TIMEOUT_MS = 5_000

/** The most candidates of a file, and of all files together. */
const MOST_IN_FILE = 50_000
const CANDIDATES_MAX = 400_000

/** The most candidates cut out of runs, and out of words; and the most runs, and words, of a file that are cut. */
const MOST_CUT = 120_000
const MOST_CUT_IN_FILE = 1_000

/** Where a candidate was found. */
export interface Place {
  readonly file: string
  /** Whether the line allows itself; it may say so only at its end. */
  readonly allowed: boolean
}

export interface Comparison<P extends Place> {
  /** Resolves when there is room for more. */
  add(place: P, candidate: string): Promise<void>
  /** Compares, after everything else, the parts of `run` that may be a secret with something glued to it. */
  addRun(place: P, run: string): void
  /** As `addRun`, for a word with other characters than those of a run. */
  addWord(place: P, word: string): void
  /** Compares what is left. Resolves with what was found, and with what could not be compared. */
  end(): Promise<ComparisonResult<P>>
}

export interface ComparisonResult<P> {
  /** The SHA-256 of secrets that the daemon holds, each with the first place where it was found. */
  readonly held: ReadonlyMap<string, P>
  /** Why not everything was compared; undefined where it was. */
  readonly failure: string | undefined
  /** Files with more candidates than are compared. */
  readonly incomplete: ReadonlySet<string>
}

export function createComparison<P extends Place>(client: Client): Comparison<P> {
  const places = new Map<string, P>()
  const held = new Set<string>()
  const inFile = new Map<string, number>()
  const incomplete = new Set<string>()
  const [runs, words] = [createCollection<P>(), createCollection<P>()]
  const asked = new Set<Promise<void>>()
  let batch: string[] = []
  let failure: string | undefined

  async function ask(sha256: readonly string[]): Promise<void> {
    if (failure !== undefined || sha256.length === 0) return
    try {
      const answer = await client.ask({
        method: 'POST',
        path: '/v1/guard',
        body: { sha256 },
        timeoutMs: GUARD_TIMEOUT_MS,
      })
      if (Array.isArray(answer.sha256)) for (const one of answer.sha256) held.add(String(one))
    } catch (error) {
      if (!(error instanceof SidecarError || error instanceof EvoTokenError)) throw error
      failure = error.message
    }
  }

  /** Whether the candidate is a new one; resolves when there is room for more. */
  async function compare(place: P, candidate: string): Promise<boolean> {
    const sha256 = hash('sha256', Buffer.from(candidate, 'latin1'), 'hex')
    const before = places.get(sha256)
    if (!before || before.allowed) places.set(sha256, place)
    if (before) return false
    batch.push(sha256)
    if (batch.length < DIGESTS_PER_REQUEST) return true
    const asking = ask(batch).finally(() => asked.delete(asking))
    asked.add(asking)
    batch = []
    if (asked.size >= REQUESTS_AT_ONCE) await Promise.race(asked)
    return true
  }

  return {
    async add(place, candidate) {
      if (failure !== undefined) return
      const count = inFile.get(place.file) ?? 0
      if (count >= MOST_IN_FILE || places.size >= CANDIDATES_MAX) incomplete.add(place.file)
      else if (await compare(place, candidate)) inFile.set(place.file, count + 1)
    },
    addRun(place, run) {
      runs.add(place, run)
    },
    addWord(place, word) {
      words.add(place, word)
    },
    async end() {
      for (const [collection, cut] of [
        [runs, gluedIn],
        [words, valuesIn],
      ] as const) {
        const most = places.size + MOST_CUT
        for (const [text, place] of collection.inOrder()) {
          if (failure !== undefined || places.size >= most) break
          for (const candidate of cut(text)) await compare(place, candidate)
        }
      }
      await Promise.all([...asked, ask(batch)])
      const found = [...places].filter(([sha256, { allowed }]) => held.has(sha256) && !allowed)
      return { held: new Map(found), failure, incomplete }
    },
  }
}

/** Texts to cut later: a bounded number of each file. */
function createCollection<P extends Place>() {
  const files = new Map<string, Map<string, P>>()
  return {
    add(place: P, text: string): void {
      const others = files.get(place.file) ?? new Map<string, P>()
      files.set(place.file, others)
      if (others.size >= MOST_CUT_IN_FILE || others.has(text)) return
      // A copy: a slice would keep the whole text in memory.
      others.set(Buffer.from(text).toString(), place)
    },
    /** The likeliest to contain a secret first: with letters and digits, from files with few texts. */
    inOrder(): (readonly [string, P])[] {
      const sorted = [...files.values()]
        .toSorted((one, other) => one.size - other.size)
        .flatMap((file) => [...file])
      const isLikely = ([text]: readonly [string, P]) => /\d/.test(text) && /[a-z]/i.test(text)
      return [...sorted.filter(isLikely), ...sorted.filter((one) => !isLikely(one))]
    },
  }
}
