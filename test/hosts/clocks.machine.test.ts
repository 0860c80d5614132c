/** A session that goes to a host with another clock keeps the end of its token. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, describe, expect } from 'vitest'
import { clockAhead, clockFile, noOwnClock } from '../faults/own-clock.ts'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
  untilServed,
  untilSilent,
} from './hosts-world.ts'

const HOUR_S = 3_600

let world: HostsWorld | undefined

afterEach(async () => {
  await world?.[Symbol.asyncDispose]()
  world = undefined
})

describe('a keeper whose role prints numbers with few digits', () => {
  itNeeds(noPostgres())('publishes the end that its token has', async () => {
    world = await startHostsWorld({ accessTokenTtlS: HOUR_S })
    const hub = await world.keeper('hub')
    await world.postgres.sql('ALTER ROLE evo_keeper SET extra_float_digits = -15')
    await hub.end()
    await hub.start()
    await untilConfirmed(hub)
    expect(await hub.signIn()).toMatchObject({ code: 0 })
    await untilHomeIs(hub, hub)
    const node = await world.reader('node', hub)
    await untilServed(node, await hub.token())
    const [here, there] = [
      await hub.cli('get', APP, '--json'),
      await node.cli('get', APP, '--json'),
    ]
    const endOf = ({ stdout }: typeof here) =>
      Date.parse((JSON.parse(stdout) as { readonly expires_at: string }).expires_at)
    expect(Math.abs(endOf(there) - endOf(here))).toBeLessThan(60_000)
  })
})

describe('a database whose clock was an hour ahead, and is set right', () => {
  itNeeds(noPostgres() ?? noOwnClock())('has the ends of tokens by its new clock', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'evo-token-clock-'))
    try {
      await chmod(directory, 0o755)
      const clock = clockFile(directory)
      clock.set(HOUR_S)
      world = await startHostsWorld({
        accessTokenTtlS: HOUR_S,
        database: {
          place: { address: '127.0.0.1', under: await placeOnClock(directory, clock.env) },
        },
      })
      const hub = await world.keeper('hub')
      expect(await hub.signIn()).toMatchObject({ code: 0 })
      await untilHomeIs(hub, hub)
      const node = await world.reader('node', hub)
      const token = await hub.token()
      await untilServed(node, token)
      clock.set(0)
      const endOf = async (host: Host) => {
        const { stdout } = await host.cli('get', APP, '--json')
        return Date.parse((JSON.parse(stdout) as { readonly expires_at: string }).expires_at)
      }
      // Another reader knows what is published now alone.
      const other = await world.reader('other', hub, { like: node })
      await untilServed(other, token)
      const end = await endOf(hub)
      for (const host of [node, other]) {
        await until(
          `${host.name} has the end of the token`,
          () => endOf(host),
          (seen) => Math.abs(seen - end) < 60_000,
        )
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

/** For a PostgreSQL: the library that has the clock keeps something for one user alone, so the user is changed before it comes. */
async function placeOnClock(directory: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const script = join(directory, 'on-clock')
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`)
  const loading = `env ${settings.join(' ')}`
  // As root PostgreSQL comes with the four words of setpriv(1) before it.
  const asOther = `if [ "$1" = setpriv ]; then user="$2 $3 $4"; shift 4; exec setpriv $user ${loading} "$@"; fi`
  await writeFile(script, `#!/bin/sh\n${asOther}\nexec ${loading} "$@"\n`, { mode: 0o755 })
  return [script]
}

describe('the token of a home that is gone', () => {
  for (const [where, offsetS] of [
    ['ahead', HOUR_S],
    ['behind', -HOUR_S],
  ] as const) {
    itNeeds(noPostgres() ?? noOwnClock())(
      `whose clock was an hour ${where} has the end that it had`,
      async () => {
        // No keeper renews it meanwhile.
        world = await startHostsWorld({ accessTokenTtlS: HOUR_S })
        const hub = await world.keeper('hub', { env: clockAhead(offsetS) })
        const spare = await world.keeper('spare')
        const signedIn = await hub.signIn()
        expect(signedIn, signedIn.stderr).toMatchObject({ code: 0 })
        await untilHomeIs(spare, hub)
        const token = await hub.token()
        await untilServed(spare, token)
        await hub.end('SIGKILL')
        await untilSilent(spare, hub)
        const taken = await spare.cli('share', 'take-over', 'hub')
        expect(taken, taken.stderr).toMatchObject({ code: 0 })

        const got = await spare.cli('get', APP, '--json')
        const { access_token, expires_at } = JSON.parse(got.stdout) as Record<string, string>
        // It may have been renewed since.
        const { exp = NaN } = decodeJwt(access_token ?? '')
        const endsAt = Date.parse(expires_at ?? '') / 1_000
        // Both round to seconds, and a copy is too old rather than too young.
        expect(endsAt).toBeLessThanOrEqual(exp + 1)
        expect(endsAt).toBeGreaterThan(exp - HOUR_S / 2)
        const status = await spare.cli('status', APP, '--json')
        expect(JSON.parse(status.stdout)).toMatchObject({ freshness: 'fresh' })
      },
    )
  }
})
