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
