import { describe, expect, it } from 'vitest'
import { createIssuerTurns } from '../../src/broker/issuer-turns.ts'
import { identityOf } from '../../src/core/app.ts'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import type { Turn, WaitingRequest } from '../../src/core/registration.ts'
import { toStored } from '../../src/core/stored-tokens.ts'
import { createWorld, granted, settle } from '../support/broker-world.ts'
import { app, HOUR, later, NOW, tokenSet } from '../support/builders.ts'

/** For what takes ten seconds of processor time: minutes on a machine that others load. */
const LIMIT_MS = 5 * 60_000

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
    ask: async (name: string, request: WaitingRequest = { callersWaiting: 0, endsAt: 0 }) => {
      void turns.take(request).then((turn) => {
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
    await ask('late', { callersWaiting: 0, endsAt: 3_000 })
    await ask('early', { callersWaiting: 0, endsAt: 1_000 })
    const wanted = { callersWaiting: 0, endsAt: 9_000 }
    await ask('asked for meanwhile', wanted)
    wanted.callersWaiting = 1
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

  it('are for no other request while a person signs in, who waits for none', async () => {
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

describe('ten thousand apps of one issuer, all of them overdue', () => {
  it(
    'are fresh again within an hour, although each answer takes half a second',
    { timeout: LIMIT_MS },
    async () => {
      const apps = Array.from({ length: 10_000 }, (_, at) => app({ name: `app-${at}` }))
      const world = createWorld({ apps, turnsOf: createIssuerTurns })
      for (const one of apps) {
        const identity = identityOf(one)
        world.records.set(one.name, { generation: 1, identity, tokens: toStored(tokenSet()) })
      }
      await world.broker.open()
      const out: { readonly until: number; readonly answer: () => void }[] = []
      const answerLate = () =>
        new Promise<GrantOutcome>((resolve) => {
          const until = world.clock.now.mono + ANSWER_MS
          out.push({
            until,
            answer: () => {
              resolve(granted())
            },
          })
        })
      world.answers.push(...apps.map(() => answerLate))
      world.pass(HOUR)
      const begun = world.clock.now.mono
      world.broker.beat()
      await settle()
      while (out.length > 0 && world.clock.now.mono - begun < HOUR) {
        world.pass(ANSWER_MS / 5)
        const due = out.filter(({ until }) => until <= world.clock.now.mono)
        out.splice(0, due.length)
        for (const { answer } of due) answer()
        await settle()
      }
      expect(world.requests).toHaveLength(apps.length)
      const old = apps.filter(({ name }) => world.broker.status(name).freshness !== 'fresh')
      expect(old).toEqual([])
      expect(world.clock.now.mono - begun).toBeLessThan(HOUR)
    },
  )
})

const ANSWER_MS = 500
