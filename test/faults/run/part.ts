/** A part of `npm run faults`: it can be run alone, and has its own section in `docs/reliability.md`. */
import type { Chance } from './chance.ts'

export interface Part {
  /** As it is called on the command line. */
  readonly name: string
  readonly heading: string
  readonly measure: (run: Run) => Promise<Measured>
}

export interface Run {
  readonly seed: number
  /** Draws for this part alone, whichever others run. */
  readonly chance: Chance
  /** How many of `count` this run does: all, or a tenth of them. */
  readonly share: (count: number) => number
  readonly soakMinutes: number
}

export interface Measured {
  /** What it says of the promises of the document, by their number. */
  readonly outcomes: Readonly<Record<number, string>>
  /** Markdown, below the part's heading. */
  readonly section: string
  /** What was not as it must be: nothing, or the run has failed. */
  readonly wrong: readonly string[]
}

/** Those of these counts that are not 0, in words. */
export function wrongOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${what}: ${count}`] : []))
}
