/** What is told of many measurements of the same thing. */

export interface Spread {
  readonly count: number
  readonly median: number
  readonly p99: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return {
    count: sorted.length,
    median: at(0.5) ?? Number.NaN,
    p99: at(0.99) ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

export function inMs({ median, p99, max }: Spread, digits = 1): string {
  const [one, two, three] = [median, p99, max].map((value) => value.toFixed(digits))
  return `median ${one} ms, p99 ${two} ms, longest ${three} ms`
}
