/** Finds everything in a text that may be a whole secret, to compare its hash with those that the daemon holds. */
import { toCharacterClass, stretchesIn } from './stretches.ts'

/** No server issues shorter secrets, and ordinary text is full of shorter words. */
export const CANDIDATE_MIN_LENGTH = 16

/** A refresh token may be a JWE of some KiB; minified code is longer. */
const CANDIDATE_MAX_LENGTH = 16 * 1024

/** The characters of a bearer token (RFC 6750 §2.1), and `%` for those of a URL. */
const TOKEN_CHARACTERS = toCharacterClass(/[\w.~+/=%-]/)

/** The runs: stretches of token characters, each as long as it can be. */
export function* runsIn(text: string): Generator<string> {
  for (const [start, end] of stretchesIn(text, TOKEN_CHARACTERS, CANDIDATE_MIN_LENGTH)) {
    if (end - start > CANDIDATE_MAX_LENGTH) continue
    const run = text.slice(start, end)
    if (!isDecimal(run)) yield run
  }
}

/** Whether it is a decimal number: a map has a million of them. */
function isDecimal(run: string): boolean {
  return run.includes('.') && /^[\d.+-]+(?:e[\d+-]+)?$/i.test(run)
}

/** A run, and what is left of it without a name before `=`, a full stop behind it, or a path around it. */
export function* candidatesOf(run: string): Generator<string> {
  const values = [run]
  for (let at = run.indexOf('='); at >= 0 && values.length < 5; at = run.indexOf('=', at + 1)) {
    values.push(run.slice(at + 1))
  }
  for (const value of values) {
    if (value.length < CANDIDATE_MIN_LENGTH) continue
    yield value
    const trimmed = value.replace(/[.=]{1,4}$/, '')
    if (trimmed.length >= CANDIDATE_MIN_LENGTH && trimmed !== value) yield trimmed
    if (!value.includes('/')) continue
    for (const part of value.split('/')) if (part.length >= CANDIDATE_MIN_LENGTH) yield part
  }
}

/** A secret with other characters stands in quotes, or at the end of a text: alone, or behind `=` or `:`. */
export function* phrasesIn(text: string): Generator<string> {
  const opened = new Map<number, number>()
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (QUOTE_CHARACTERS[code] !== 1) continue
    const start = opened.get(code)
    opened.set(code, at + 1)
    if (start === undefined || !isLongEnough(at - start)) continue
    const phrase = text.slice(start, at)
    if (!/^[\w.~+/=%-]+$|[\0-\x1f]/.test(phrase)) yield phrase
  }
  const word = lastWordOf(text)
  if (isLongEnough(word.length)) yield word
  const value = word.slice(word.search(/[=:]/) + 1)
  if (value !== word && isLongEnough(value.length)) yield value
}

const QUOTE_CHARACTERS = toCharacterClass(/["'`]/)

const BLANK_CHARACTERS = toCharacterClass(/\s/)

function lastWordOf(text: string): string {
  const end = text.trimEnd().length
  let start = end
  while (
    start > 0 &&
    end - start <= CANDIDATE_MAX_LENGTH &&
    BLANK_CHARACTERS[text.charCodeAt(start - 1)] === 0
  )
    start--
  return text.slice(start, end)
}

function isLongEnough(length: number): boolean {
  return length >= CANDIDATE_MIN_LENGTH && length <= CANDIDATE_MAX_LENGTH
}

/** The longest run that is looked at for a secret with something glued to it. */
const LONGEST_GLUED = 4 * 1024

/** How much of a run may be glued to a secret without a mark between them: `BearerXyz…`, `u003dXyz…`. */
const GLUED_MAX_LENGTH = 8

/** At how many of the marks from either end of a run a secret may begin or end. */
const MARKS_TRIED = 6

/**
 * The parts of a run that may be a secret with something glued to it: it is cut at a mark such as `-` or `+`,
 * or after a few characters, at either end. Cuts without a mark at both ends would be too many.
 */
export function* gluedIn(run: string): Generator<string> {
  const starts = [0, ...marksFrom(run, 1)]
  const ends = [run.length, ...marksFrom(run, -1)]
  for (const start of starts) {
    for (const end of ends) if (end - start >= CANDIDATE_MIN_LENGTH) yield run.slice(start, end)
    for (let cut = 1; cut <= GLUED_MAX_LENGTH; cut++) {
      if (run.length - cut - start >= CANDIDATE_MIN_LENGTH) yield run.slice(start, -cut)
    }
  }
  for (const end of ends) {
    for (let cut = 1; cut <= GLUED_MAX_LENGTH; cut++)
      if (end - cut >= CANDIDATE_MIN_LENGTH) yield run.slice(cut, end)
  }
}

const MARK_CHARACTERS = toCharacterClass(/[.~+/=%_-]/)

/** Positions after the first marks of a run, or before its last ones. */
function marksFrom(run: string, step: 1 | -1): number[] {
  const found: number[] = []
  for (let at = step > 0 ? 0 : run.length - 1; run[at] !== undefined; at += step) {
    if (MARK_CHARACTERS[run.charCodeAt(at)] === 1) found.push(step > 0 ? at + 1 : at)
    if (found.length === MARKS_TRIED) break
  }
  return found
}

/** The longest line, and word, that is searched for a secret with other characters than those of a token. */
const LONGEST_LINE = 64 * 1024
const LONGEST_WORD = 4 * 1024

/** The most marks that such a secret may hold itself. */
const INNER_MARKS = 3

const VISIBLE_CHARACTERS = toCharacterClass(/[\x21-\x7e]/)

/** The words that may contain a secret with other characters, as some client secrets have. */
export function* candidateWords(text: string): Generator<string> {
  if (text.length > LONGEST_LINE) return
  for (const [start, end] of stretchesIn(text, VISIBLE_CHARACTERS, CANDIDATE_MIN_LENGTH)) {
    if (end - start > LONGEST_WORD) continue
    const word = text.slice(start, end)
    if (hasOtherCharacters(word)) yield word
  }
}

/** The parts of a word between marks of code, URLs and lists. */
export function* valuesIn(word: string): Generator<string> {
  const marks = [...word.matchAll(/[=:&?/@()[\]{}<>|,;#"'`\\*]/g)].map(({ index }) => index)
  const ends = [...marks, word.length]
  for (const [n, start] of [0, ...marks.map((at) => at + 1)].entries()) {
    // At most 16 of the next marks are too near.
    const near = ends.slice(n, n + CANDIDATE_MIN_LENGTH + INNER_MARKS + 1)
    for (const end of near
      .filter((at) => at - start >= CANDIDATE_MIN_LENGTH)
      .slice(0, INNER_MARKS + 1)) {
      const value = word.slice(start, end)
      if (hasOtherCharacters(value)) yield value
    }
  }
}

/** Whether it looks random and is no run. */
function hasOtherCharacters(text: string): boolean {
  return /\d/.test(text) && /[a-z]/i.test(text) && /[^\w.~+/=%-]/.test(text)
}

/** Whether a run may contain a secret: not if it is a hash or id as a whole, as lock files have thousands. */
export function mayBeGlued(run: string): boolean {
  return (
    run.length <= LONGEST_GLUED &&
    !/^(?:[\da-f]{32,128}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|sha\d{3}-.*)$/i.test(run)
  )
}
