/** Which rows a keeper or a reader looks at, and how far it reads again what it has seen. */
import { describe, expect, it } from 'vitest'
import { ChangedRows } from '../../../src/broker/sharing/changed-rows.ts'
import type { RowHead } from '../../../src/core/sharing/shared-store.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const SECOND = 1_000
const POLICY = {
  wholeMs: 60 * SECOND,
  overlapMs: SECOND,
  lateMs: 60 * SECOND,
  lateEveryMs: 5 * SECOND,
}
const DIGEST = '0'.repeat(64)

function createWorld(apps: readonly string[], rows: readonly RowHead[] = []) {
  const reading = { mono: 0, wall: NOON }
  const asked: (number | undefined)[] = []
  const changed = new ChangedRows({
    clock: { read: () => ({ ...reading }) },
    policy: POLICY,
    store: {
      changed(since) {
        asked.push(since === undefined ? undefined : reading.wall - since)
        const at = { ...reading }
        const came = { now: at.wall, sent: at, received: at, incarnation: 'first' }
        return Promise.resolve({ ...came, value: rows })
      },
    },
  })
  const known = new Map(apps.map((app) => [app, { key: { app, identityDigest: DIGEST } }]))
  return {
    asked,
    async look(afterMs: number) {
      reading.mono += afterMs
      reading.wall += afterMs
      const seen = await changed.read(known, (answer) => answer)
      return seen?.value.map(({ one, head }) => [one.key.app, head?.revision])
    },
  }
}

const rowOf = (app: string, identityDigest = DIGEST): RowHead => ({
  ...{ app, identityDigest, home: 'hub', number: 1, generation: 1 },
  ...{ revision: `of ${app}`, moveTo: null },
})

describe('looking at what changed', () => {
  it('reads everything first, and again each minute', async () => {
    const world = createWorld([])
    for (const afterMs of [0, SECOND, 58 * SECOND, SECOND]) await world.look(afterMs)
    expect(world.asked.map((back) => back === undefined)).toEqual([true, false, false, true])
  })

  it('reads little again at each look, and a minute of it every five seconds', async () => {
    const world = createWorld([])
    for (const afterMs of [0, SECOND, SECOND, 4 * SECOND, SECOND]) await world.look(afterMs)
    // The time since the look before, and the overlap.
    expect(world.asked).toEqual([undefined, 2 * SECOND, 2 * SECOND, 64 * SECOND, 2 * SECOND])
  })

  it('tells of every app after a look at everything, and of those with a row after another', async () => {
    const world = createWorld(['one', 'two'], [rowOf('one'), rowOf('two', 'f'), rowOf('three')])
    expect(await world.look(0)).toEqual([
      ['one', 'of one'],
      ['two', undefined],
    ])
    expect(await world.look(SECOND)).toEqual([['one', 'of one']])
  })
})
