/** More apps than one request takes: keys for all of them, or for none. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { type Host, type HostsWorld, startHostsWorld } from './hosts-world.ts'

const missing = noPostgres()
const APPS = Array.from({ length: 130 }, (_, at) => `evo-${at}`)
const [FIRST = '', SECOND = ''] = APPS

let world: HostsWorld
let hub: Host

beforeAll(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld({ apps: APPS })
  hub = await world.keeper('hub', { seed: 'fresh' })
})

afterAll(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

async function keysOf(name: string, apps: readonly string[], ...options: readonly string[]) {
  const file = join(hub.home.directory, name)
  const named = apps.flatMap((app) => ['--app', app])
  const made = await hub.cli('share', 'reader-key', ...named, '--out', file, ...options)
  const lines = made.code === 0 ? (await readFile(file, 'utf8')).trim().split('\n') : []
  const keys = lines.map((line) => JSON.parse(line) as { app: string; number: number })
  return { made, numbers: new Map(keys.map(({ app, number }) => [app, number])) }
}

describe('130 sessions that were never shared', () => {
  itNeeds(missing)('are stored once, and published once', async () => {
    await until(
      'all are published',
      () => world.postgres.sql('SELECT count(*)::int AS count FROM evo_token.app'),
      ([row]) => row?.count === APPS.length,
    )
    const seeded = 1
    const generations = await world.postgres.sql(
      'SELECT DISTINCT generation::int AS generation FROM evo_token.app',
    )
    expect(generations).toEqual([{ generation: seeded + 1 }])
  })
})

describe('a reader of 130 apps', () => {
  itNeeds(missing)('gets the keys of all, and serves each', async () => {
    const node = await world.reader('node', hub)
    const socket = await node.daemon().socket
    for (const app of [FIRST, APPS.at(-1) ?? '']) {
      await until(
        `${app} is served`,
        () => ask(socket, `/v1/apps/${app}/token?wait=0`),
        ({ status }) => status === 200,
      )
    }
  })
})

describe('keys that are to be made new', () => {
  itNeeds(missing)('are made for all apps or for none', async () => {
    const spare = await world.keeper('spare')
    await until(
      'another keeper is the home of one',
      () => spare.cli('share', 'move', SECOND),
      ({ code }) => code === 0,
    )
    const before = await keysOf('before', [FIRST])
    const refused = await keysOf('refused', [FIRST, SECOND], '--renew')
    expect(refused.made).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('The home of "evo-1" is spare') as string,
    })
    const after = await keysOf('after', [FIRST])
    expect(after.numbers).toEqual(before.numbers)
  })
})
