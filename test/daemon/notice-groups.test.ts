/** How many notices a person gets of what happens to several apps. */
import { describe, expect, it } from 'vitest'
import { createNoticeGroups } from '../../src/daemon/notice-groups.ts'

const MINUTE = 60_000

/** Time goes on only where the test says so. */
function createWorld() {
  const time = { mono: 0 }
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  const said: string[] = []
  const groups = createNoticeGroups({
    clock: { read: () => ({ wall: 0, mono: time.mono }) },
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.add({ until: time.mono + ms, wake })
      }),
    everyMs: 15 * MINUTE,
    notify: (apps, event, words) => {
      said.push(`${apps}: ${event}: ${words}`)
      return Promise.resolve()
    },
  })
  return {
    said,
    tell: (
      app: string,
      event: 'login_required' | 'misconfigured' | 'recovered',
      issuer = 'one',
    ) => {
      void groups.tell(app, issuer, event, `words of ${app}`)
    },
    pass: async (ms: number) => {
      time.mono += ms
      for (const sleeper of sleepers) {
        if (sleeper.until > time.mono) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      await new Promise(setImmediate)
    },
  }
}

describe('an outage', () => {
  it('of one issuer is one notice, whatever the number of its apps', async () => {
    const { pass, said, tell } = createWorld()
    for (const app of ['a', 'b', 'c']) tell(app, 'misconfigured')
    tell('d', 'misconfigured', 'two')
    await pass(2_000)
    expect(said).toEqual([
      'a b c: misconfigured: words of a The same goes for "b", "c": `evo-token status`.',
      'd: misconfigured: words of d',
    ])
    for (const app of ['a', 'b', 'c']) tell(app, 'recovered')
    await pass(2_000)
    expect(said.slice(2)).toEqual([
      'a b c: recovered: words of a The same goes for "b", "c": `evo-token status`.',
    ])
  })

  it('of thousands of apps is one that a program can be started with, and a person can read', async () => {
    const { pass, said, tell } = createWorld()
    const apps = Array.from({ length: 10_000 }, (_, at) => `${at}-${'x'.repeat(58)}`)
    for (const app of apps) tell(app, 'login_required')
    await pass(2_000)
    const [first = '', ...others] = apps
    expect(said).toHaveLength(1)
    expect(said[0]).toContain(`${first} ${others[0] ?? ''} `)
    expect(said[0]).toMatch(/ "10-x+", 9989 more: `evo-token status`\.$/)
    expect(said[0]?.length).toBeLessThan(20_000)
    for (const app of apps) tell(app, 'recovered')
    await pass(15 * MINUTE)
    expect(said).toHaveLength(2)
  })

  it('that reaches other apps later is told of again after the time between two notices', async () => {
    const { pass, said, tell } = createWorld()
    tell('a', 'login_required')
    await pass(2_000)
    tell('b', 'login_required')
    tell('c', 'login_required')
    await pass(10 * MINUTE)
    expect(said).toHaveLength(1)
    // It is signed in again: there is nothing to tell, not even that it has recovered.
    tell('b', 'recovered')
    await pass(5 * MINUTE)
    expect(said.slice(1)).toEqual(['c: login_required: words of c'])
  })

  it('that is over at once is not told', async () => {
    const { pass, said, tell } = createWorld()
    tell('a', 'misconfigured')
    tell('a', 'recovered')
    await pass(MINUTE)
    expect(said).toEqual([])
  })
})
