/**
 * Canaries: secrets as they were really used, and the search for any eight bytes in a row of one of
 * them. No piece of a canary may be harmless text, so one that is made up is random from its
 * first character to its last; what servers and the program itself make up is.
 */
import { randomBytes } from 'node:crypto'

/** As long a run is a leak. */
const RUN = 8

export interface Canaries {
  /** Sets one out; the same value twice is one. Shorter than a run it could not be looked for. */
  add(name: string, value: string): void
  readonly names: ReadonlySet<string>
  /** The names of all canaries that have a run in `text`, but those of `allowed`, each with the run. */
  foundIn(text: string, allowed?: readonly string[]): readonly string[]
}

/** A client secret that no other text has a part of. */
export function randomSecret(): string {
  return randomBytes(30).toString('base64url')
}

export function createCanaries(): Canaries {
  /** Each run of each form, and whose it is. */
  const runs = new Map<string, string>()
  const names = new Set<string>()
  const known = new Set<string>()
  return {
    names,
    add(name, value) {
      if (value.length < RUN) throw new Error(`the ${name} "${value}" is too short for a canary`)
      names.add(name)
      if (known.has(value)) return
      known.add(value)
      for (const form of formsOf(value)) {
        for (let at = 0; at + RUN <= form.length; at++) runs.set(form.slice(at, at + RUN), name)
      }
    },
    foundIn(text, allowed = []) {
      const found = new Map<string, string>()
      for (let at = 0; at + RUN <= text.length; at++) {
        const run = text.slice(at, at + RUN)
        const name = runs.get(run)
        if (name !== undefined && !allowed.includes(name)) found.set(name, run)
      }
      return [...found].map(([name, run]) => `${name}: ${run}`)
    },
  }
}

/**
 * As it is, in JSON, in a URL, in hex, and in base64 at each of its three steps, without the characters
 * at both ends that what stands beside it changes.
 */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes])
    const inner = (text: string) => text.replace(/=+$/, '').slice(before === 0 ? 0 : before + 1, -1)
    return [inner(shifted.toString('base64')), inner(shifted.toString('base64url'))]
  })
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...base64,
  ]
}
