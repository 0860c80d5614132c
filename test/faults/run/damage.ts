/** Records damaged at random while the daemon is down: what it costs, and whether it is kept. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { startKillableDaemon } from '../killable-daemon.ts'
import { statusOf } from '../owner.ts'
import { recordPath, seed, seededHome } from '../seeded-home.ts'
import type { Chance } from './chance.ts'

const APPS = Array.from({ length: 10 }, (_, at) => `app-${at}`)

export interface DamageFigures {
  readonly starts: number
  readonly damaged: number
  /** Damaged records that were served all the same, or were not told of. */
  readonly unnoticed: number
  /** Other apps that lost something by it. */
  readonly others: number
  /** Damaged records that are nowhere any more. */
  readonly gone: number
}

/** The last bits of the last character, and the end of the line, mean nothing. */
const COVERED = 0.9

type Damage = (record: Buffer, other: Buffer, chance: Chance) => Buffer

const DAMAGES: readonly Damage[] = [
  (record, _other, chance) => record.subarray(0, Math.floor(chance.between(0, record.length - 1))),
  (record, _other, chance) =>
    flip(record, Math.floor(chance.between(0, 8 * COVERED * record.length))),
  (_record, other) => other,
]

/** Damages between one and all of the records before each start. */
export async function damageOften(starts: number, chance: Chance): Promise<DamageFigures> {
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server, {
    apps: Object.fromEntries(APPS.map((app) => [app, 'fresh'] as const)),
  })
  let [damaged, unnoticed, others, gone] = [0, 0, 0, 0]
  for (let start = 0; start < starts; start++) {
    const share = chance.between(0, 1)
    const hurt = new Map<string, Buffer>()
    const records = new Map(APPS.map((app) => [app, readFileSync(recordPath(home, app))]))
    for (const [app, record] of records) {
      if (!chance.happens(share)) continue
      const [, other] = chance.pick([...records].filter(([name]) => name !== app))
      hurt.set(app, chance.pick(DAMAGES)(record, other, chance))
    }
    for (const [app, content] of hurt) writeFileSync(recordPath(home, app), content)

    await using daemon = startKillableDaemon(home, { serve: true })
    const socket = await daemon.socket
    const vault = join(home.stateDir, 'vault')
    const kept = readdirSync(vault).filter((name) => name.includes('.damaged-'))
    for (const app of APPS) {
      const { session, last_error: error } = await statusOf(socket, app)
      const content = hurt.get(app)
      if (!content) {
        if (session !== 'active') others += 1
        continue
      }
      damaged += 1
      if (session !== 'signed-out' || error?.error !== 'record_damaged') unnoticed += 1
      const isThere = kept.some((name) => {
        return name.startsWith(`${app}.damaged-`) && readFileSync(join(vault, name)).equals(content)
      })
      if (!isThere) gone += 1
    }
    daemon.signal('SIGKILL')
    await daemon.ended
    for (const app of hurt.keys()) await seed(home, server, app, 'fresh')
  }
  return { starts, damaged, unnoticed, others, gone }
}

function flip(record: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(record)
  const at = bit >> 3
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
  return flipped
}

export function damageSection({ starts, damaged, ...seen }: DamageFigures): string {
  return `${damaged} records were cut short, flipped by one bit or replaced by another app's, before ${starts} starts of a
daemon with ${APPS.length} apps.

| what must not be | how often |
|---|---|
| a damaged record that is served, or not told of | ${seen.unnoticed} |
| another app that loses its session by it | ${seen.others} |
| a damaged record that is not kept | ${seen.gone} |
`
}
