import { expect, it } from 'vitest'
import type { AppState } from '../../src/broker/app-state.ts'
import { runWhenIdle } from '../../src/broker/idle.ts'
import { OutstandingRequests } from '../../src/broker/outstanding-requests.ts'
import { Queue } from '../../src/queue.ts'

const OWNER_WAIT_MS = 25_000

/** An app whose time passes by hand: each sleep ends when the test lets `passMs` reach it. */
function createApp() {
  let mono = 0
  const sleeping: { readonly until: number; readonly wake: () => void }[] = []
  const clock = { read: () => ({ wall: mono, mono }) }
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      sleeping.push({ until: mono + ms, wake: resolve })
    })
  const outstanding = new OutstandingRequests(clock)
  const state = { app: { name: 'evo-me' }, deps: { clock, sleep }, outstanding, queue: new Queue() }
  return {
    state: state as unknown as AppState,
    outstanding,
    passMs: async (ms: number) => {
      mono += ms
      for (const { until, wake } of sleeping) if (until <= mono) wake()
      // Lets every promise that is settled by now be seen.
      await new Promise(setImmediate)
    },
  }
}

it('an owner’s change waits 25 s in all, although one request follows another', async () => {
  const { state, outstanding, passMs } = createApp()
  const endFirst = outstanding.begin('redemption')
  const change = runWhenIdle(state, async () => 'done').catch((error: unknown) => error)
  await passMs(20_000)
  outstanding.begin('refresh')
  endFirst()
  await passMs(0)
  await passMs(OWNER_WAIT_MS - 20_000)
  const late = Promise.resolve('still waiting')
  await expect(Promise.race([change, late])).resolves.toMatchObject({ code: 'unavailable' })
})

it('an owner’s change runs once the request that it meets has ended', async () => {
  const { state, outstanding, passMs } = createApp()
  const end = outstanding.begin('refresh')
  const change = runWhenIdle(state, async () => 'done')
  await passMs(20_000)
  end()
  expect(await change).toBe('done')
})
