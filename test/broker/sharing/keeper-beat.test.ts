/** The beat of a keeper, and what it makes of another process's under its id. */
import { describe, expect, it } from 'vitest'
import type { DatabaseAnswer, KeeperRow } from '../../../src/core/sharing/shared-store.ts'
import { KeeperBeat } from '../../../src/broker/sharing/keeper-beat.ts'

const HUB = 'hub'
const NOON = Date.UTC(2026, 0, 1, 12)
const SECOND = 1_000
const POLICY = { beatMs: 5 * SECOND, silentMs: 60 * SECOND, cloneMs: 310 * SECOND }

const row = (instance: string, beatAt: number): KeeperRow => ({
  ...{ id: HUB, name: HUB, instance, host: HUB, version: '1', configDigest: '', kids: [], beatAt },
})

/** A database with one keeper's row, and the process `now` of that keeper. */
function createWorld({ gone = [] as readonly string[] } = {}) {
  const reading = { mono: 0, wall: NOON }
  const world = {
    stored: undefined as KeeperRow | undefined,
    /** Another keeper. */
    other: undefined as KeeperRow | undefined,
    incarnation: 'first',
    errors: 0,
    pass(ms: number) {
      reading.mono += ms
      reading.wall += ms
    },
  }
  const answer = <T>(value: T): Promise<DatabaseAnswer<T> | undefined> => {
    const at = { ...reading }
    const { incarnation } = world
    const came = { value, now: at.wall, sent: at, received: at, incarnation }
    return Promise.resolve(came)
  }
  const write = (keeper: Omit<KeeperRow, 'beatAt'>) => {
    world.stored = { ...keeper, beatAt: reading.wall }
    return answer(true)
  }
  const { beatAt, kids, ...self } = row('now', 0)
  const silent = () => undefined
  const beat = new KeeperBeat(
    {
      clock: { read: () => ({ ...reading }) },
      log: {
        ...{ trace: silent, debug: silent, info: silent, warn: silent },
        error: () => {
          world.errors += 1
        },
      },
      store: {
        keepers: () => answer([world.stored, world.other].filter((one) => one !== undefined)),
        claim: write,
        beat: (keeper) =>
          world.stored && world.stored.instance !== keeper.instance ? answer(false) : write(keeper),
        leave: () => answer(true),
      },
      policy: POLICY,
      self,
      isGone: (instance) => gone.includes(instance),
    },
    (asked) => asked,
  )
  return { beat, world }
}

async function started(options?: Parameters<typeof createWorld>[0]) {
  const created = createWorld(options)
  await created.beat.beatIfDue([])
  created.world.pass(POLICY.beatMs)
  return created
}

describe('another process under the id of a keeper', () => {
  it('halts the one that was there before', async () => {
    const { beat, world } = await started()
    world.stored = row('clone', NOON + POLICY.beatMs)
    await beat.beatIfDue([])
    expect(beat.halted).toBe(true)
    expect(world.errors).toBe(1)
  })

  it('halts it also after a failover that the other process has outlived', async () => {
    const { beat, world } = await started()
    world.incarnation = 'second'
    world.stored = row('clone', NOON + POLICY.beatMs)
    await beat.beatIfDue([])
    expect(beat.halted).toBe(true)
  })
})

describe('a database that has lost the beats of a running keeper', () => {
  it('has them again after a restore of yesterday, and the keeper goes on', async () => {
    const { beat, world } = await started()
    world.incarnation = 'second'
    world.stored = row('yesterday', NOON - 24 * 3_600 * SECOND)
    await beat.beatIfDue([])
    expect(world.stored.instance).toBe('now')
    expect({ halted: beat.halted, hasWaited: beat.hasWaited() }).toEqual({
      halted: false,
      hasWaited: true,
    })
  })

  it('has them again after a failover that lost its first beat', async () => {
    const { beat, world } = await started({ gone: ['before'] })
    world.incarnation = 'second'
    world.stored = row('before', NOON - SECOND)
    await beat.beatIfDue([])
    expect(beat.hasWaited()).toBe(true)
    expect(beat.halted).toBe(false)
  })

  it('has the keeper wait where the process before may live', async () => {
    const { beat, world } = await started()
    world.incarnation = 'second'
    world.stored = row('before', NOON - SECOND)
    await beat.beatIfDue([])
    expect({ halted: beat.halted, hasWaited: beat.hasWaited() }).toEqual({
      halted: false,
      hasWaited: false,
    })
    world.pass(POLICY.cloneMs)
    expect(beat.hasWaited()).toBe(true)
  })

  it('halts no keeper that notices it twice at once', async () => {
    const { beat, world } = await started()
    world.incarnation = 'second'
    world.stored = row('yesterday', NOON - 24 * 3_600 * SECOND)
    await Promise.all([beat.beat([]), beat.beat([])])
    expect({ halted: beat.halted, hasWaited: beat.hasWaited() }).toEqual({
      halted: false,
      hasWaited: true,
    })
  })
})

describe('the first beat', () => {
  it('takes itself for no other process where its answer was lost', async () => {
    const { beat, world } = createWorld()
    world.stored = row('now', NOON)
    await beat.beatIfDue([])
    expect(beat.hasWaited()).toBe(true)
  })
})

describe('a keeper that wrote its last beat while the clock of the database was an hour ahead', () => {
  it('runs for as long as that beat is new here, and no longer', async () => {
    const { beat, world } = await started()
    const other = { ...row('other', NOON + 3_600 * SECOND), id: 'other' }
    world.other = other
    await beat.beatIfDue([])
    expect(beat.isAlive(other, NOON)).toBe(true)
    for (let passed = 0; passed < POLICY.silentMs; passed += POLICY.beatMs) {
      world.pass(POLICY.beatMs)
      await beat.beatIfDue([])
    }
    expect(beat.isAlive(other, NOON)).toBe(false)
    expect(beat.isAlive({ ...other, beatAt: other.beatAt + 1 }, NOON)).toBe(true)
  })
})
