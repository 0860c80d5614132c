import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ActivityLog, createActivityLog } from '../../src/adapters/activity/activity-log.ts'
import type { Activity } from '../../src/core/activity.ts'
import { later, NOW, recordingLog } from '../support/builders.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let home: string
let path: string
let clock: { now: typeof NOW; read: () => typeof NOW }
let log: ReturnType<typeof recordingLog>
let activity: ActivityLog

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'evo-activity-'))
  path = join(home, 'activity')
  clock = { now: NOW, read: () => clock.now }
  log = recordingLog()
  activity = another()
})

afterEach(() => {
  rmSync(home, { recursive: true, force: true })
})

/** As a process that starts now would have it. */
function another(): ActivityLog {
  return createActivityLog({ path, clock, log })
}

function pass(ms: number): void {
  clock.now = later(ms, clock.now)
}

/** Sets the clock of the machine, `ms` after `NOW`. */
function setClock(ms: number): void {
  clock.now = { ...clock.now, wall: later(ms).wall }
}

const ALL = { since: -Infinity, until: Infinity, limit: 1_000 }

async function items(from = activity, query: Partial<typeof ALL> = {}): Promise<Activity[]> {
  return (await from.items({ ...ALL, ...query, matches: () => true })).items
}

async function tokens(from = activity): Promise<readonly unknown[]> {
  const { counts } = await from.hours({ ...ALL, limit: 100_000, matches: () => true })
  return counts.map(({ hour, app, caller, tokens }) => [
    (hour - NOW.wall) / HOUR_MS,
    app,
    caller,
    tokens,
  ])
}

function bytes(): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
}

function fileNamed(prefix: string): string {
  const name = readdirSync(path).find((one) => one.startsWith(prefix))
  return join(path, name ?? '')
}

describe('entries of the activity', () => {
  it('are there at once, newest first, and for the next process after a beat', async () => {
    activity.record({ kind: 'started' })
    pass(1_000)
    activity.record({ kind: 'renewed', app: 'evo-me', cause: 'age', durationMs: 412 })
    const expected = [
      {
        at: NOW.wall + 1_000,
        app: 'evo-me',
        kind: 'renewed',
        caller: null,
        cause: 'age',
        durationMs: 412,
        error: null,
        fingerprint: null,
      },
      expect.objectContaining({ at: NOW.wall, app: null, kind: 'started' }),
    ]
    expect(await items()).toEqual(expected)
    expect(await items(another())).toEqual([])
    await activity.flush()
    expect(await items(another())).toEqual(expected)
  })

  it('never share an instant, so that pages neither repeat nor leave out one', async () => {
    for (let number = 0; number < 25; number++) {
      activity.record({ kind: 'renewed', app: `app-${number}` })
      if (number % 7 === 0) await activity.flush()
    }
    const seen: (string | null)[] = []
    let until: number | null = Infinity
    while (until !== null) {
      const page = await activity.items({ ...ALL, until, limit: 4, matches: () => true })
      seen.push(...page.items.map(({ app }) => app))
      until = page.next
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `app-${24 - index}`))
  })

  it('never share an instant, however many come in one moment', async () => {
    for (let number = 0; number < 3_000; number++) {
      activity.record({ kind: 'app_added', app: `app-${number}` })
    }
    const page = await activity.items({ ...ALL, limit: 3_000, matches: () => true })
    expect(new Set(page.items.map(({ at }) => at)).size).toBe(3_000)
  })

  it('are private from birth', async () => {
    activity.record({ kind: 'started' })
    activity.countToken('evo-me', 'local')
    await activity.flush()
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(readdirSync(path)).toHaveLength(2)
    for (const name of readdirSync(path)) {
      expect(statSync(join(path, name)).mode & 0o777).toBe(0o600)
    }
  })

  it('are not written where others could reach into the directory, and it is logged once', async () => {
    await mkdir(path)
    await chmod(path, 0o755)
    activity.record({ kind: 'started' })
    await activity.flush()
    await activity.flush()
    expect(readdirSync(path)).toEqual([])
    expect(log.lines.filter(({ message }) => message.includes('activity'))).toHaveLength(1)
    expect(await items()).toHaveLength(1)
    await chmod(path, 0o700)
    await activity.flush()
    expect(await items(another())).toHaveLength(1)
  })

  it.each([
    '{"at":1,"ki',
    'null',
    '[]',
    '{"at":"x","kind":"renewed"}',
    '{"at":9000000000000000,"kind":"renewed"}',
    '{"at":-1,"kind":"renewed"}',
    '{"at":1,"kind":"odd"}',
    '{"at":1,"kind":"renewed","app":"<b>"}',
    '{"at":1,"kind":"renewed","caller":7}',
    '\0'.repeat(40),
    'x'.repeat(300),
  ])('survive a damaged line: %s', async (line) => {
    activity.record({ kind: 'started' })
    await activity.flush()
    // What a kill in the middle of a write leaves has no end.
    await appendFile(fileNamed('items'), line)
    pass(1)
    const next = another()
    next.record({ kind: 'renewed', app: 'evo-me' })
    await next.flush()
    expect((await items(another())).map(({ kind }) => kind)).toEqual(['renewed', 'started'])
  })

  it('end after seven days', async () => {
    activity.record({ kind: 'started' })
    await activity.flush()
    pass(7 * DAY_MS + 1)
    expect(await items()).toEqual([])
    for (let day = 0; day < 3; day++) {
      pass(DAY_MS)
      activity.record({ kind: 'renewed', app: 'evo-me' })
      await activity.flush()
    }
    expect(readFileSync(fileNamed('items'), 'utf8')).not.toContain('started')
  })
})

describe('counts of tokens', () => {
  it('are by caller, app and hour, and go on in the next process', async () => {
    for (let number = 0; number < 3; number++) activity.countToken('evo-me', 'local')
    await activity.flush()
    activity.countToken('evo-me', 'notebook')
    pass(HOUR_MS)
    activity.countToken('evo-me', 'local')
    const expected = [
      [1, 'evo-me', 'local', 1],
      [0, 'evo-me', 'local', 3],
      [0, 'evo-me', 'notebook', 1],
    ]
    expect(await tokens()).toEqual(expected)
    await activity.flush()
    const next = another()
    expect(await tokens(next)).toEqual(expected)
    next.countToken('evo-me', 'local')
    await next.flush()
    expect((await tokens(another()))[0]).toEqual([1, 'evo-me', 'local', 2])
  })

  it('are summed over apps, or over callers', async () => {
    for (const app of ['one', 'two']) {
      for (const caller of ['a', 'b']) activity.countToken(app, caller)
    }
    const sum = async (sumOver: 'apps' | 'callers') =>
      (await activity.hours({ ...ALL, sumOver, matches: () => true })).counts.map((one) => [
        one.app,
        one.caller,
        one.tokens,
      ])
    expect(await sum('apps')).toEqual([
      [null, 'a', 2],
      [null, 'b', 2],
    ])
    expect(await sum('callers')).toEqual([
      ['one', null, 2],
      ['two', null, 2],
    ])
  })

  it('are right for ten million tokens, with beats in between', async () => {
    const beats = 100
    for (let beat = 0; beat < beats; beat++) {
      for (let number = 0; number < 100_000; number++) {
        activity.countToken(number % 2 === 0 ? 'evo-me' : 'robot', 'local')
      }
      await activity.flush()
    }
    expect(await tokens(another())).toEqual([
      [0, 'evo-me', 'local', 5_000_000],
      [0, 'robot', 'local', 5_000_000],
    ])
  })

  it('come in pages of whole hours', async () => {
    for (let hour = 0; hour < 5; hour++) {
      for (const app of ['one', 'two']) activity.countToken(app, 'local')
      pass(HOUR_MS)
    }
    const seen: number[] = []
    let until: number | null = Infinity
    while (until !== null) {
      const page = await activity.hours({ ...ALL, until, limit: 3, matches: () => true })
      seen.push(...page.counts.map(({ hour }) => (hour - NOW.wall) / HOUR_MS))
      until = page.next
    }
    expect(seen).toEqual([4, 4, 3, 3, 2, 2, 1, 1, 0, 0])
  })

  it('are written compactly in the end, however many beats there were', async () => {
    const apps = Array.from({ length: 50 }, (_, number) => `app-${number}`)
    for (let beat = 0; beat < 400; beat++) {
      for (const app of apps) activity.countToken(app, 'local')
      await activity.flush()
    }
    expect(bytes()).toBeLessThan(400 * 1024)
    pass(DAY_MS)
    activity.countToken('evo-me', 'local')
    await activity.flush()
    expect(bytes()).toBeLessThan(4_000)
    const counts = await tokens(another())
    expect(counts[0]).toEqual([24, 'evo-me', 'local', 1])
    expect(counts.slice(1)).toEqual(apps.map((app) => [0, app, 'local', 400]))
  })
})

describe('a day with more pairs of app and caller than have room', () => {
  const APPS = 1_000
  const CALLERS = 100

  /** Each pair takes one token. */
  function takeAll(from: ActivityLog): void {
    for (let pair = 0; pair < APPS * CALLERS; pair++) {
      from.countToken(`app-${pair % APPS}`, `caller-${Math.floor(pair / APPS)}`)
    }
  }

  async function total(from: ActivityLog, app?: string): Promise<number> {
    const query = { ...ALL, limit: 1_000_000, matches: (one: unknown) => !app || one === app }
    const { counts } = await from.hours(query)
    return counts.reduce((sum, { tokens }) => sum + tokens, 0)
  }

  it('is bounded through many restarts, and right in sum and for each app', async () => {
    for (let start = 1; start <= 4; start++) {
      const next = another()
      for (let beat = 1; beat <= 2; beat++) {
        takeAll(next)
        await next.flush()
        expect(bytes()).toBeLessThan(6 * 1024 * 1024)
      }
      pass(HOUR_MS)
    }
    expect(await total(another())).toBe(8 * APPS * CALLERS)
    expect(await total(another(), 'app-7')).toBe(8 * CALLERS)
    const said = log.lines.filter(({ message }) => message.includes('counted together'))
    expect(said).toHaveLength(4)
  })

  it('gives a line of their own to those that take most', async () => {
    for (let number = 0; number < 100; number++) activity.countToken('app-999', 'notebook')
    takeAll(activity)
    for (let number = 0; number < 100; number++) activity.countToken('app-999', 'late')
    await activity.flush()
    const counts = await tokens(another())
    expect(counts).toContainEqual([0, 'app-999', 'notebook', 100])
    expect(counts).toContainEqual([0, 'app-999', 'late', 100])
    expect(counts).toContainEqual([0, 'app-999', null, expect.any(Number)])
  })

  it('is bounded where every app has a name of its own, too', async () => {
    for (let app = 0; app < 100_000; app++) {
      activity.countToken(`${app}`.padEnd(64, 'x'), 'caller'.padEnd(64, 'y'))
    }
    await activity.flush()
    pass(HOUR_MS)
    activity.countToken('late'.padEnd(64, 'z'), 'late'.padEnd(64, 'z'))
    expect(await total(activity)).toBe(100_001)
    await activity.flush()
    expect(await total(another())).toBe(100_001)
    expect(await tokens(another())).toContainEqual([1, null, null, 1])
    expect(bytes()).toBeLessThan(6 * 1024 * 1024)
  })

  it('is made smaller where a version before this one left it, and nothing of it is lost', async () => {
    await mkdir(path, { mode: 0o700 })
    const lines = Array.from({ length: 60_000 }, (_, pair) => {
      const hours = Object.fromEntries(Array.from({ length: 24 }, (_, hour) => [hour, 7]))
      return `${JSON.stringify({ app: `app-${pair % 200}`, caller: `caller-${pair}`, hours })}\n`
    })
    await writeFile(join(path, `tokens-${NOW.wall}.jsonl`), lines.join(''), { mode: 0o600 })
    activity.countToken('app-1', 'caller-1')
    await activity.flush()
    expect(bytes()).toBeLessThan(6 * 1024 * 1024)
    expect(await total(another())).toBe(60_000 * 24 * 7 + 1)
  })
})

describe('a quarter of 200 apps', () => {
  it('stays within 32 MiB, its counts for 90 days and its entries for 7', async () => {
    for (let hour = 0; hour < 92 * 24; hour++) {
      for (let app = 0; app < 200; app++) {
        activity.countToken(`app-${app}`, 'pipeline')
        activity.record({
          kind: 'renewed',
          app: `app-${app}`,
          cause: 'age',
          durationMs: 300,
          fingerprint: '1f3a9c02',
        })
      }
      if (hour % 6 === 5) await activity.flush()
      pass(HOUR_MS)
    }
    expect(bytes()).toBeLessThan(32 * 1024 * 1024)
    const days = readdirSync(path).filter((name) => name.startsWith('tokens'))
    expect(days.length).toBeGreaterThanOrEqual(90)
    const page = await activity.items({
      ...ALL,
      matches: ({ app }) => app === 'app-7',
    })
    expect(page.items).toHaveLength(7 * 24)
  })

  it('stays within 32 MiB with 50 callers that take all of them', async () => {
    // As days like this one leave them.
    await mkdir(path, { mode: 0o700 })
    const day = `${JSON.stringify({ app: 'app-1', caller: 'local', hours: { 1: 1 } })}\n`
    for (let ago = 1; ago <= 6; ago++) {
      const name = `tokens-${NOW.wall - ago * DAY_MS}.jsonl`
      await writeFile(join(path, name), day.repeat(50_000), { mode: 0o600 })
    }
    let most = 0
    for (let hour = 0; hour < 24; hour++) {
      for (let pair = 0; pair < 10_000; pair++) {
        activity.countToken(`app-${pair % 200}`, `caller-${Math.floor(pair / 200)}`)
      }
      await activity.flush()
      most = Math.max(most, bytes())
      pass(HOUR_MS)
    }
    // The entries have half of it.
    expect(most).toBeLessThan(16 * 1024 * 1024)
    const { counts } = await activity.hours({
      since: NOW.wall,
      until: Infinity,
      limit: 300_000,
      matches: () => true,
    })
    expect(counts).toHaveLength(24 * 10_000)
  })

  it('is bounded also where far more happens than is kept', async () => {
    for (let beat = 0; beat < 60; beat++) {
      for (let number = 0; number < 5_000; number++) {
        activity.record({ kind: 'renewal_failed', app: `app-${number}`, error: 'x'.repeat(2_000) })
      }
      await activity.flush()
      pass(10_000)
    }
    expect(bytes()).toBeLessThan(16 * 1024 * 1024)
    expect(await items(activity, { limit: 10 })).toHaveLength(10)
  })
})

describe('a clock that was wrong', () => {
  it('costs no entry of a page where two have the same instant', async () => {
    const taken = async () => {
      const seen: (string | null)[] = []
      let until: number | null = Infinity
      while (until !== null) {
        const page = await activity.items({ ...ALL, until, limit: 1, matches: () => true })
        seen.push(...page.items.map(({ app }) => app))
        until = page.next
      }
      return seen.sort()
    }
    activity.record({ kind: 'renewed', app: 'one' })
    pass(DAY_MS / 2)
    activity.record({ kind: 'renewed', app: 'two' })
    await activity.flush()
    setClock(0)
    activity.record({ kind: 'renewed', app: 'three' })
    await activity.flush()
    expect(await taken()).toEqual(['one', 'three', 'two'])
  })

  it('hides no newer entry behind a file that was begun later', async () => {
    activity.record({ kind: 'renewed', app: 'first' })
    await activity.flush()
    setClock(-DAY_MS)
    activity.record({ kind: 'renewed', app: 'behind' })
    await activity.flush()
    pass(DAY_MS - 1)
    activity.record({ kind: 'renewed', app: 'behind' })
    pass(1_000)
    activity.record({ kind: 'renewed', app: 'newest' })
    // The last beat of the day comes late, and the disk has another file of the day after.
    setClock(-1)
    await activity.flush()
    const page = await activity.items({ ...ALL, limit: 1, matches: () => true })
    expect(page.items.map(({ app }) => app)).toEqual(['newest'])
  })

  it('makes what it dated far ahead go first, when there is no more room', async () => {
    await mkdir(path, { mode: 0o700 })
    const ahead = join(path, `items-${NOW.wall + 1_000 * DAY_MS}.jsonl`)
    await writeFile(ahead, `${'x'.repeat(999)}\n`.repeat(11_000), { mode: 0o600 })
    activity.record({ kind: 'started' })
    await activity.flush()
    activity.record({ kind: 'stopped' })
    await activity.flush()
    expect(await items(another())).toHaveLength(2)
    pass(DAY_MS)
    for (let number = 0; number < 3_000; number++)
      activity.record({ kind: 'started', error: 'x'.repeat(200) })
    await activity.flush()
    expect(readdirSync(path)).toHaveLength(2)
    expect(bytes()).toBeLessThan(11 * 1024 * 1024)
  })
})

describe('what another program wrote into the directory', () => {
  it('is not followed, and does not keep the rest from being shown and stored', async () => {
    await mkdir(path, { mode: 0o700 })
    const elsewhere = join(home, 'elsewhere')
    await writeFile(elsewhere, '')
    await symlink(elsewhere, join(path, `tokens-${NOW.wall}.jsonl`))
    await symlink(elsewhere, join(path, `items-${NOW.wall}.jsonl`))
    await mkdir(join(path, `items-${NOW.wall - DAY_MS}.jsonl`))
    await mkdir(join(path, `tokens-${NOW.wall - DAY_MS}.jsonl`))
    pass(1)
    activity.countToken('evo-me', 'local')
    activity.record({ kind: 'started' })
    await activity.flush()
    expect(await readFile(elsewhere, 'utf8')).toBe('')
    expect(await items()).toHaveLength(1)
    expect(await tokens()).toHaveLength(1)
    pass(DAY_MS)
    activity.countToken('evo-me', 'local')
    activity.record({ kind: 'stopped' })
    await activity.flush()
    expect(await items(another())).toHaveLength(2)
    expect(await tokens(another())).toHaveLength(2)
  })

  it('is deleted where a kill left it in the middle of a write', async () => {
    await mkdir(path, { mode: 0o700 })
    await writeFile(join(path, '.tokens-0.jsonl.0123456789ab.tmp'), 'half')
    activity.record({ kind: 'started' })
    await activity.flush()
    expect(readdirSync(path)).toEqual([`items-${NOW.wall}.jsonl`])
  })

  it('is left alone', async () => {
    await mkdir(path, { mode: 0o700 })
    await writeFile(join(path, 'notes.txt'), 'mine')
    activity.record({ kind: 'started' })
    await activity.flush()
    expect(await readFile(join(path, 'notes.txt'), 'utf8')).toBe('mine')
  })
})
