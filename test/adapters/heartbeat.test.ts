import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startHeartbeat } from '../../src/adapters/time/heartbeat.ts'
import type { Log } from '../../src/core/ports.ts'

const EVERY_MS = 5_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function start(beat: () => Promise<void>) {
  const errors: object[] = []
  const log = {
    error: (fields: object) => {
      errors.push(fields)
    },
  } as unknown as Log
  return { heartbeat: startHeartbeat({ everyMs: EVERY_MS, beat, log }), errors }
}

it('beats at every interval, and not at once', async () => {
  let beats = 0
  start(async () => {
    beats += 1
  })
  await vi.advanceTimersByTimeAsync(EVERY_MS - 1)
  expect(beats).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(beats).toBe(1)
  await vi.advanceTimersByTimeAsync(3 * EVERY_MS)
  expect(beats).toBe(4)
})

it('does not begin a beat before the last one has ended', async () => {
  const ends: (() => void)[] = []
  start(() => new Promise((resolve) => ends.push(resolve)))
  await vi.advanceTimersByTimeAsync(3 * EVERY_MS)
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await vi.advanceTimersByTimeAsync(EVERY_MS)
  expect(ends).toHaveLength(2)
})

it.each([
  [
    'rejects',
    async () => {
      throw new Error('bad beat')
    },
  ],
  [
    'throws',
    () => {
      throw new Error('bad beat')
    },
  ],
])('logs a beat that %s, and goes on', async (_, beat: () => Promise<void>) => {
  const { errors } = start(beat)
  await vi.advanceTimersByTimeAsync(2 * EVERY_MS)
  expect(errors).toMatchObject([{ err: { message: 'bad beat' } }, { err: { message: 'bad beat' } }])
})

it('stops when the beat under way has ended, and beats no more', async () => {
  const ends: (() => void)[] = []
  const { heartbeat } = start(() => new Promise((resolve) => ends.push(resolve)))
  await vi.advanceTimersByTimeAsync(EVERY_MS)
  let stopped = false
  const stopping = heartbeat.stop().then(() => {
    stopped = true
  })
  await vi.advanceTimersByTimeAsync(2 * EVERY_MS)
  expect(stopped).toBe(false)
  ends[0]?.()
  await stopping
  await vi.advanceTimersByTimeAsync(2 * EVERY_MS)
  expect(ends).toHaveLength(1)
})

it('stops at once where it never beat', async () => {
  const { heartbeat } = start(async () => undefined)
  await heartbeat.stop()
  expect(vi.getTimerCount()).toBe(0)
})
