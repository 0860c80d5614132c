import { describe, expect, it } from 'vitest'
import { createIssuerTurns } from '../../src/broker/issuer-turns.ts'
import type { Turn, TurnRank } from '../../src/core/ports.ts'
import { later, NOW } from '../support/builders.ts'

function world() {
  const clock = { now: NOW, read: () => clock.now }
  const wakes: (() => void)[] = []
  const turns = createIssuerTurns({
    clock,
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        wakes.push(resolve)
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'))
        })
      }),
  })
  const left: string[] = []
  const out = new Map<string, Turn>()
  return {
    turns,
    left,
    wakes,
    pass: (ms: number) => {
      clock.now = later(ms, clock.now)
    },
    ask: async (name: string, rank: () => TurnRank = () => [1, 0]) => {
      void turns.take(rank).then((turn) => {
        left.push(name)
        out.set(name, turn)
      })
      await settled()
    },
    end: async (name: string, answered = true) => {
      out.get(name)?.end(answered)
      await settled()
    },
  }
}

async function settled() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

describe('the turns of an issuer', () => {
  it('come one after another', async () => {
    const { ask, end, left } = world()
    await ask('a')
    await ask('b')
    await ask('c')
    expect(left).toEqual(['a'])
    await end('a')
    expect(left).toEqual(['a', 'b'])
  })

  it('come first to an app whose callers wait, then to the token that ends first', async () => {
    const { ask, end, left } = world()
    await ask('first')
    await ask('late', () => [1, 3_000])
    await ask('early', () => [1, 1_000])
    let wanted: TurnRank = [1, 9_000]
    await ask('asked for meanwhile', () => wanted)
    wanted = [0, 9_000]
    for (const name of ['first', 'asked for meanwhile', 'early']) await end(name)
    expect(left).toEqual(['first', 'asked for meanwhile', 'early', 'late'])
  })

  it('do not wait for a request that is slow: at a heartbeat, and at a look of their own', async () => {
    const { ask, left, pass, turns, wakes } = world()
    await ask('slow')
    await ask('b')
    await ask('c')
    pass(2_000)
    turns.beat()
    await settled()
    expect(left).toEqual(['slow', 'b'])
    pass(2_000)
    wakes.shift()?.()
    await settled()
    expect(left).toEqual(['slow', 'b', 'c'])
  })

  it('are for nobody else while a person signs in, who waits for none', async () => {
    const { ask, left, turns } = world()
    await ask('a')
    const turn = turns.takeAtOnce()
    await ask('b')
    expect(left).toEqual(['a'])
    turn.end(false)
    await settled()
    expect(left).toEqual(['a'])
  })

  it('learn from answers how slow a server is, and nothing from having none', async () => {
    const { ask, end, left, pass } = world()
    await ask('unanswered')
    pass(30_000)
    await end('unanswered', false)
    await ask('a')
    for (let app = 0; app < 100; app++) await ask(`app ${app}`)
    expect(left).toEqual(['unanswered', 'a'])
    pass(1_000)
    await end('a')
    // A hundred at half a second each: five at a time keep it near ten seconds.
    expect(left).toHaveLength(2 + 5)
  })
})
