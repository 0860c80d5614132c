/** Very many who ask, and readers that misuse what they may: one renewal, and the home goes on. */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { itNeeds } from '../support/needs.ts'
import { DATABASE } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { APP, type Host, untilServes, refresh } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

const READERS = 10
const ASKERS = 9
const ROUNDS = 3
const TOKEN = `/v1/apps/${APP}/token?wait=0`

useTwoKeepers('all', { session: 'seeded' })
const readers: Host[] = []

beforeAll(async () => {
  if (missing !== undefined) return
  const node = await world.reader('node', hub)
  readers.push(node)
  await world.postgres.sql('ALTER ROLE evo_node CONNECTION LIMIT 100')
  const others = Array.from({ length: READERS - 1 }, (_, at) => `node${at}`)
  const like = { like: node }
  readers.push(...(await Promise.all(others.map((name) => world.reader(name, hub, like)))))
})

describe('ninety programs at ten readers', () => {
  itNeeds(missing)('that report the same rejected token cause one renewal', async () => {
    const rejected = await hub.token()
    const sockets = await Promise.all(readers.map((reader) => reader.daemon().socket))
    await until('all readers serve it', async () => {
      const served = await Promise.all(sockets.map((socket) => ask(socket, TOKEN)))
      return served.every(({ body }) => body.access_token === rejected)
    })
    const rejected_sha256 = createHash('sha256').update(rejected).digest('hex')
    const before = world.server.count('refresh_token')
    const answers = await Promise.all(
      sockets.flatMap((socket) =>
        Array.from({ length: ASKERS }, () =>
          ask(socket, `/v1/apps/${APP}/refresh`, 'POST', { rejected_sha256 }),
        ),
      ),
    )
    expect(answers).toHaveLength(READERS * ASKERS)
    const tokens = answers.map(({ body }) => body.access_token)
    expect(new Set(tokens).size, JSON.stringify(answers)).toBe(1)
    expect(tokens[0]).not.toBe(rejected)
    expect(world.server.count('refresh_token')).toBe(before + 1)
  })
})

describe('a stolen reader that floods the database', () => {
  itNeeds(missing)('keeps no home from renewing and publishing', async () => {
    await Promise.all(readers.map((reader) => reader.end()))
    await world.postgres.sql('ALTER ROLE evo_node CONNECTION LIMIT 8')
    const flood = startFlood('evo_node')
    try {
      await until('the flood is under way', () => flood.done() > 200)
      for (let round = 0; round < ROUNDS; round++) {
        await refresh(hub)
        await untilServes(spare, hub)
      }
    } finally {
      await flood.end()
    }
    expect(flood.refused()).toContain('too many connections for role "evo_node"')
    const [row] = await world.postgres.sql('SELECT count(*)::int AS count FROM evo_token.wanted')
    expect(row?.count).toBeLessThanOrEqual(1)
  })
})

/** What such a role can send with an SQL client, over and over, on as many connections as it gets. */
const ABUSES = [
  `SELECT evo_token.want('${APP}', identity_digest, repeat('a', 64), now() + interval '1 day') FROM evo_token.app`,
  `SELECT evo_token.want(md5(n::text), 'x', NULL, NULL) FROM generate_series(1, 200) n`,
  `SELECT pg_notify('evo_token', repeat('x', 7000)) FROM generate_series(1, 20)`,
  'CREATE TEMPORARY TABLE mine (text text)',
  'BEGIN; LOCK TABLE evo_token.reader_app IN ACCESS SHARE MODE; SELECT pg_sleep(0.5); COMMIT',
  `BEGIN; SELECT * FROM evo_token.app FOR UPDATE; COMMIT`,
  `SELECT pg_try_advisory_lock(n) FROM generate_series(1, 50) n`,
  'SELECT count(*) FROM generate_series(1, 3000000)',
]

function startFlood(role: string) {
  let done = 0
  let flowing = true
  const isFlowing = () => flowing
  const refused = new Set<string>()
  const { port, passwords } = world.postgres
  const connection = { host: '127.0.0.1', port, user: role, password: passwords.get(role) ?? '' }
  async function flow(): Promise<void> {
    while (isFlowing()) {
      const client = new pg.Client({ ...connection, database: DATABASE })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.query('SET statement_timeout = 0; SET lock_timeout = 0')
        for (let at = 0; isFlowing(); at++) {
          await client.query(ABUSES[at % ABUSES.length] ?? '').catch(() => client.query('ROLLBACK'))
          done += 1
        }
      } catch (error) {
        refused.add((error as Error).message)
        await new Promise((resolve) => setTimeout(resolve, 20))
      } finally {
        await client.end().catch(() => undefined)
      }
    }
  }
  const flows = Array.from({ length: 30 }, flow)
  return {
    done: () => done,
    refused: () => [...refused],
    async end() {
      flowing = false
      await Promise.all(flows)
    },
  }
}
