/** Figures as the benches print them. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export function milliseconds(value: number): string {
  return `${value.toFixed(0).padStart(5)} ms`
}

export function ratio(value = Number.NaN, base = Number.NaN): string {
  return (value / base).toFixed(2)
}

/** A line with a figure, its aim, and whether it is met. */
export function aim(
  what: string,
  value: number,
  { atMost, atLeast, unit = '' }: { atMost?: number; atLeast?: number; unit?: string },
): void {
  const isMet =
    (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast)
  const limit = atMost === undefined ? `at least ${String(atLeast)}` : `at most ${atMost}`
  const shown = value.toFixed(unit === '' ? 2 : 0)
  console.log(`  ${isMet ? 'yes' : 'NO '}  ${what}: ${shown}${unit} (aim: ${limit}${unit})`)
}
