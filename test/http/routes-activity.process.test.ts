import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Activity } from '../../src/core/activity.ts'
import { NOW } from '../support/builders.ts'
import { until } from '../support/until.ts'
import { KEY, LIMITED_KEY, openDoors, type Parts } from './doors.ts'

function entry(overrides: Partial<Activity>): Activity {
  return {
    at: NOW.wall,
    app: 'evo-me',
    kind: 'renewed',
    caller: null,
    cause: 'age',
    durationMs: 300,
    error: null,
    fingerprint: '1f3a9c02',
    ...overrides,
  }
}

const ENTRIES: readonly Activity[] = [
  entry({ at: NOW.wall + 5, kind: 'renewed', cause: 'report', caller: 'notebook' }),
  entry({ at: NOW.wall + 4, kind: 'renewed', cause: 'caller', caller: 'other' }),
  entry({ at: NOW.wall + 3, app: 'evo-pipeline', kind: 'renewal_failed', error: 'unavailable' }),
  entry({ at: NOW.wall + 2, kind: 'sign_in_failed', caller: 'owner', error: 'access_denied' }),
  entry({ at: NOW.wall + 1, app: null, kind: 'started', cause: null }),
]

const COUNTS = [
  { hour: NOW.wall, app: 'evo-me', caller: 'notebook', tokens: 3 },
  { hour: NOW.wall, app: 'evo-me', caller: 'other', tokens: 9 },
  { hour: NOW.wall, app: 'evo-pipeline', caller: 'notebook', tokens: 7 },
  // What a full day counts together.
  { hour: NOW.wall, app: 'evo-me', caller: null, tokens: 5 },
  { hour: NOW.wall, app: null, caller: null, tokens: 2 },
]

const kept: Parts['activity'] = {
  items: ({ matches, limit }) => {
    const found = ENTRIES.filter(matches)
    const shown = found.slice(0, limit)
    return Promise.resolve({
      items: shown,
      next: found.length > limit ? (shown.at(-1)?.at ?? null) : null,
    })
  },
  hours: ({ matches }) =>
    Promise.resolve({
      counts: COUNTS.filter(({ app, caller }) => matches(app, caller)),
      next: null,
    }),
}

interface Page {
  readonly items: readonly { readonly kind: string; readonly caller: string | null }[]
  readonly next: string | null
}

function bodyOf({ body }: { readonly body: unknown }): Page {
  return body as Page
}

describe('GET /v1/activity', () => {
  it('shows the owner everything, absent members null', async () => {
    await using doors = await openDoors({ activity: kept })
    const body = bodyOf(await doors.owner().get('/v1/activity').expect(200))
    const page = body
    expect(page.items.map(({ kind }) => kind)).toEqual(ENTRIES.map(({ kind }) => kind))
    expect(page.items.at(-1)).toEqual({
      at: '2026-01-01T00:00:00.001Z',
      app: null,
      kind: 'started',
      caller: null,
      cause: null,
      duration_ms: 300,
      error: null,
      fingerprint: '1f3a9c02',
    })
    expect(page.next).toBeNull()
  })

  it('shows a caller its own apps, no name but its own, and nothing of the daemon', async () => {
    await using doors = await openDoors({ activity: kept })
    const body = bodyOf(await doors.tcp(LIMITED_KEY).get('/v1/activity').expect(200))
    expect(body.items.map(({ kind, caller }) => [kind, caller])).toEqual([
      ['renewed', 'notebook'],
      ['renewed', null],
    ])
  })

  it('does not tell a caller by its filters what it may not see', async () => {
    await using doors = await openDoors({ activity: kept })
    const client = doors.tcp(LIMITED_KEY)
    const other = await client.get('/v1/activity?caller=other').expect(200)
    expect((other.body as Page).items).toEqual([])
    const hidden = await client.get('/v1/activity?app=evo-pipeline').expect(404)
    const missing = await client.get('/v1/activity?app=evo-nothing').expect(404)
    expect(hidden.text.replace('evo-pipeline', 'evo-nothing')).toBe(missing.text)
  })

  it('filters by app, caller and kind, and goes on where a page ended', async () => {
    await using doors = await openDoors({ activity: kept })
    const kinds = async (query: string) => {
      const body = bodyOf(await doors.owner().get(`/v1/activity?${query}`).expect(200))
      return body.items.map(({ kind }) => kind)
    }
    expect(await kinds('app=evo-pipeline')).toEqual(['renewal_failed'])
    expect(await kinds('caller=notebook')).toEqual(['renewed'])
    expect(await kinds('kind=started')).toEqual(['started'])
    const body = bodyOf(await doors.owner().get('/v1/activity?limit=2').expect(200))
    expect(body.next).toBe('2026-01-01T00:00:00.004Z')
  })

  it.each([
    'limit=0',
    'limit=1001',
    'limit=1.5',
    'since=yesterday',
    'since=',
    'since=2026-01-01',
    'since=2026-02-30T00:00:00Z',
    'until=2026-01-01T24:00:00Z',
    'until=2026-01-01T00:00:00+99:00',
    'since=2026-01-01T00:00:00Z&since=2026-01-02T00:00:00Z',
    'kind=odd',
    'app=A',
    'color=red',
  ])('refuses ?%s', async (query) => {
    await using doors = await openDoors({ activity: kept })
    await doors.tcp(KEY).get(`/v1/activity?${query}`).expect(400)
  })

  it.each(['since=2025-12-31t19:00:00-05:00', 'until=9999-12-31T23:59:59.999999999Z'])(
    'takes ?%s',
    async (query) => {
      await using doors = await openDoors({ activity: kept })
      await doors
        .tcp(KEY)
        .get(`/v1/activity?${query.replace('+', '%2B')}`)
        .expect(200)
    },
  )

  it('is refused without a key', async () => {
    await using doors = await openDoors({ activity: kept })
    await doors.tcp().get('/v1/activity').expect(401)
    await doors.tcp().get('/v1/activity/hours').expect(401)
  })
})

describe('what a wrong clock dated far ahead', () => {
  it.each(['/v1/activity', '/v1/activity/hours'])(
    'stands before nothing in %s, and is there for those who ask for it',
    async (path) => {
      const asked: number[] = []
      const note = ({ until }: { readonly until: number }) => {
        asked.push(until)
        return { items: [], counts: [], next: null }
      }
      await using doors = await openDoors({
        activity: { items: async (query) => note(query), hours: async (query) => note(query) },
      })
      await doors.owner().get(path).expect(200)
      await doors.owner().get(`${path}?until=2040-01-01T00:00:00Z`).expect(200)
      expect(asked).toEqual([NOW.wall + 24 * 3_600_000, Date.UTC(2040, 0, 1)])
    },
  )
})

describe('GET /v1/activity/hours', () => {
  it('shows a caller its own counts of its own apps, and the owner all', async () => {
    await using doors = await openDoors({ activity: kept })
    const own = await doors.tcp(LIMITED_KEY).get('/v1/activity/hours').expect(200)
    expect(own.body).toEqual({
      items: [{ hour: '2026-01-01T00:00:00Z', app: 'evo-me', caller: 'notebook', tokens: 3 }],
      next: null,
    })
    const all = await doors.owner().get('/v1/activity/hours').expect(200)
    expect((all.body as Page).items).toHaveLength(5)
    const ofApp = await doors.owner().get('/v1/activity/hours?app=evo-me').expect(200)
    expect((ofApp.body as Page).items.map(({ caller }) => caller)).toEqual([
      'notebook',
      'other',
      null,
    ])
  })

  it('counts a token for each answer that has one', async () => {
    await using doors = await openDoors()
    const client = doors.tcp(KEY)
    await client.get('/v1/apps/evo-me/token').expect(200)
    await client.head('/v1/apps/evo-me/token').expect(200)
    await client.post('/v1/apps/evo-me/refresh').expect(200)
    expect(doors.asked.filter(([name]) => name === 'countToken')).toEqual([
      ['countToken', 'evo-me', 'local'],
      ['countToken', 'evo-me', 'local'],
    ])
  })
})

describe('GET /v1/events?activity=1', () => {
  it('also tells what happens, to those who asked and may see it', async () => {
    await using doors = await openDoors()
    const read = async (key: string, query: string) => {
      const asked = request({
        port: doors.port,
        host: '127.0.0.1',
        path: `/v1/events${query}`,
        headers: { authorization: `Bearer ${key}` },
        agent: false,
      }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      await until('the first status has come', () => text.includes('evo-me'))
      return () => [...text.matchAll(/^event: activity\ndata: (.*)$/gm)].map(([, data]) => data)
    }
    const [all, limited, unasked] = [
      await read(KEY, '?activity=1'),
      await read(LIMITED_KEY, '?activity=1'),
      await read(KEY, ''),
    ]
    for (const one of ENTRIES) doors.streams.sendActivity(one)
    await until('all entries have come', () => all().length === 3 && limited().length === 2)
    expect(JSON.parse(limited()[1] ?? '')).toMatchObject({ kind: 'renewed', caller: null })
    expect(unasked()).toEqual([])
  })
})
