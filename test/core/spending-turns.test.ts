import { describe, expect, it } from 'vitest'
import { mayLeave, MOST_OUT, SLOW_REQUEST_MS, usualAfter } from '../../src/core/spending-turns.ts'

describe('mayLeave', () => {
  const quick = { waiting: 50, usualMs: 50 }

  it('lets one leave, and no second one beside it', () => {
    expect(mayLeave({ ...quick, outForMs: [] })).toBe(true)
    expect(mayLeave({ ...quick, outForMs: [0] })).toBe(false)
    expect(mayLeave({ ...quick, outForMs: [SLOW_REQUEST_MS - 1] })).toBe(false)
  })

  it('lets another leave beside each that is slow', () => {
    expect(mayLeave({ ...quick, outForMs: [SLOW_REQUEST_MS] })).toBe(true)
    expect(mayLeave({ ...quick, outForMs: [SLOW_REQUEST_MS, 0] })).toBe(false)
    expect(mayLeave({ ...quick, outForMs: [60_000, SLOW_REQUEST_MS] })).toBe(true)
  })

  it('lets as many leave as keep the queue within ten seconds', () => {
    const at = (waiting: number, out: number) =>
      mayLeave({ waiting, usualMs: 500, outForMs: Array.from({ length: out }, () => 0) })
    expect(at(20, 1)).toBe(false)
    expect(at(21, 1)).toBe(true)
    expect(at(41, 2)).toBe(true)
    expect(at(41, 3)).toBe(false)
  })

  it('lets no more than eight leave, however long the queue and however slow the server', () => {
    const out = Array.from({ length: MOST_OUT }, () => 60_000)
    expect(mayLeave({ waiting: 10_000, usualMs: 5_000, outForMs: out.slice(1) })).toBe(true)
    expect(mayLeave({ waiting: 10_000, usualMs: 5_000, outForMs: out })).toBe(false)
  })
})

describe('usualAfter', () => {
  it('follows a server that becomes slow within a few answers, and one that recovers later', () => {
    const slower = [500, 500, 500].reduce(usualAfter, 50)
    expect(slower).toBeGreaterThan(400)
    const quicker = [50, 50, 50].reduce(usualAfter, 500)
    expect(quicker).toBeGreaterThan(300)
    expect(quicker).toBeLessThan(400)
  })
})
