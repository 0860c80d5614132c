/** Chance that can be had again: the same seed gives the same draws, in the same order. */
import { createHash } from 'node:crypto'

export interface Chance {
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** True with this probability. */
  happens(probability: number): boolean
  pick<T>(choices: readonly T[]): T
  /** A source of its own, for something that runs beside others. */
  fork(name: string): Chance
}

export function chanceOf(seed: string): Chance {
  let draws = 0
  const uniform = () => {
    const digest = createHash('sha256').update(`${seed} ${++draws}`).digest()
    return digest.readUInt32BE() / 2 ** 32
  }
  return {
    between: (low, high) => low + uniform() * (high - low),
    happens: (probability) => uniform() < probability,
    pick(choices) {
      const chosen = choices[Math.floor(uniform() * choices.length)]
      if (chosen === undefined) throw new Error('there is nothing to pick from')
      return chosen
    },
    fork: (name) => chanceOf(`${seed}/${name}`),
  }
}
