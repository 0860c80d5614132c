/**
 * How many cases there are and where they come from. `EVO_TOKEN_FUZZ_CASES` is their number over all
 * properties, and then they are new ones each time; `npm test` tries the same few thousand always.
 * Each run prints its seed, and `EVO_TOKEN_FUZZ_SEED` makes its cases again.
 */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { it } from 'vitest'

const { EVO_TOKEN_FUZZ_CASES: cases, EVO_TOKEN_FUZZ_SEED: seed } = process.env
const CASES = Number(cases ?? 4_000)
const SEED = Number(seed ?? (cases === undefined ? 20_261_125 : randomInt(2 ** 31)))

/** No case takes that long, be the machine as slow as it may: it hangs. */
const CASE_MAX_MS = 30_000
const PROPERTY_MAX_MS = 60 * 60_000

console.log(`fuzz: EVO_TOKEN_FUZZ_SEED=${SEED}`)

/** A property as a test. The shares of all of them come to 100. */
export function holds<Values extends [unknown, ...unknown[]]>(
  name: string,
  sharePercent: number,
  property: fc.IRawProperty<Values>,
): void {
  it(name, { timeout: PROPERTY_MAX_MS }, async () => {
    const failed = await fc.check(property, {
      seed: SEED,
      numRuns: Math.ceil((CASES * sharePercent) / 100),
      timeout: CASE_MAX_MS,
    })
    if (!failed.failed) return
    const { counterexample, errorInstance, numRuns } = failed
    throw new Error(
      `fails at case ${numRuns} of EVO_TOKEN_FUZZ_SEED=${SEED}, smallest: ${fc.stringify(counterexample)}`,
      { cause: errorInstance },
    )
  })
}

/** What a name, a parameter or a member may be instead of what it should be. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '..',
    '../../etc/passwd',
    '%2e%2e',
    '%2e%2e%2f',
    '%',
    '%00',
    '%ff',
    '%E0%A4%A',
    '*',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'true',
    '-1',
    '1e999',
    '{}',
    '[]',
    '\u202e',
    '\ufeff',
    '\ud800',
    'é',
    'İ',
    '😀',
    '\r\n',
    'a'.repeat(65),
    'a'.repeat(300),
    'evo-me\0',
    'EVO-ME',
    'evo-me/token',
    'evo-me%2Ftoken',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, false, 0, -1, 0.5, 1e308, -0, 2 ** 53),
  fc.jsonValue({ maxDepth: 3 }),
)

/** `text` with a few pieces cut out, doubled, or replaced by others. */
export function damagedText(text: string): fc.Arbitrary<string> {
  const damage = fc.tuple(fc.nat(text.length), fc.nat(8), fc.oneof(fc.constant(''), hostileText))
  return fc
    .array(damage, { minLength: 1, maxLength: 3 })
    .map((damages) =>
      damages.reduce(
        (whole, [at, length, other]) => `${whole.slice(0, at)}${other}${whole.slice(at + length)}`,
        text,
      ),
    )
}

/** `value` with one to three of its members, at whatever depth, changed, gone, doubled or added to. */
export function damagedJson(value: object, other = hostileValue): fc.Arbitrary<unknown> {
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom('replace', 'remove', 'rename', 'add'),
    hostileText,
    other,
  )
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const whole: unknown = structuredClone(value)
    for (const [at, how, key, instead] of changes) {
      const places = placesIn(whole)
      const place = places[at % places.length]
      if (place) alter(place, how, key, structuredClone(instead))
    }
    return whole
  })
}

interface Place {
  readonly parent: Record<string, unknown>
  readonly key: string
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Record<string, unknown>
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])])
}

function alter({ parent, key }: Place, how: string, name: string, instead: unknown): void {
  const define = (of: string, value: unknown) => {
    // Assigning to `__proto__` would not make a member.
    Object.defineProperty(parent, of, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  const before = parent[key]
  if (how === 'replace') define(key, instead)
  if (how === 'add') define(Array.isArray(parent) ? String(parent.length) : name, instead)
  if (how === 'remove' || how === 'rename') {
    if (Array.isArray(parent)) parent.splice(Number(key), 1)
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- It is what this does.
    else delete parent[key]
    if (how === 'rename') define(Array.isArray(parent) ? String(parent.length) : name, before)
  }
}
