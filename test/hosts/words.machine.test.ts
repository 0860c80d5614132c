/** What is wrong with an app that several hosts share: the same words by every way, for each audience. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { CaseRow } from '../../src/core/case-row.ts'
import { ERROR_CODES, rowOf } from '../../src/core/error-codes.ts'
import { CASES, type ProblemCase } from '../../src/core/problem-cases.ts'
import { ask } from '../faults/owner.ts'
import { blockingWords, getOverTcp } from '../support/mouths.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
} from './hosts-world.ts'

const missing = noPostgres() ?? missingCommands('python3')

let world: HostsWorld
let hub: Host
let spare: Host
let node: Host

// The token has ended, and the authorization server gives no other.
beforeAll(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld()
  world.server.intercept = () => Promise.resolve({ status: 503, body: { error: 'server_error' } })
  hub = await world.keeper('hub', { seed: 'expired' })
  spare = await world.keeper('spare')
  await untilHomeIs(spare, hub)
  node = await world.reader('node', hub)
})

afterAll(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

/** Waits until `found` is the case at `host`, and compares its words. */
async function compare(host: Host, found: ProblemCase): Promise<void> {
  const { socket, url } = await host.daemon().logged(({ msg }) => msg === 'listening')
  const daemon = {
    home: host.home,
    socket: String(socket),
    url: String(url),
    log: host.daemon().log,
  }
  const row: CaseRow = CASES[found]
  const reason = row.reason ?? row.code
  await until(
    `${host.name} is not ready because of ${reason}`,
    async () => (await ask(daemon.socket, `/readyz/${APP}`)).body.apps,
    (apps) => (apps as Readonly<Record<string, { reason: unknown }>>)[APP]?.reason === reason,
  )
  const told = await blockingWords(daemon, APP, { python: true })
  expect(told).toMatchObject({
    owner: { error: row.code },
    callers: {
      error: row.code,
      message: row.callers({ app: APP, person: undefined, details: undefined }),
    },
    reason,
    exit: rowOf(row.code)?.exit,
  })
  for (const path of [`/v1/apps/${APP}`, `/v1/apps/${APP}/token?wait=0`, `/readyz/${APP}`]) {
    // Which host is the home concerns the owner alone.
    expect(JSON.stringify(await getOverTcp(daemon, path)), path).not.toMatch(/\bhub\b/)
  }
}

/** Restarts `host` with another `share` in its config, or without. @returns the one before. */
async function useShare(host: Host, share: object | undefined): Promise<object> {
  const { share: before, ...config } = JSON.parse(await host.readConfig()) as { share: object }
  await host.end()
  await host.home.write({ ...config, ...(share && { share }) })
  await host.start()
  return before
}

/** What a command says that the daemon refuses as it refuses `POST path`. */
async function refusalOf(host: Host, path: string) {
  const { status, body } = await ask(await host.daemon().socket, path, 'POST')
  const { error, detail, hint } = body as Readonly<Record<'error' | 'detail' | 'hint', string>>
  const exit = rowOf(error)?.exit
  return { status, error, said: { code: exit, stdout: '', stderr: said(detail, hint) } }
}

function said(detail: string, hint: string): string {
  return `evo-token: ${detail}\n${hint}\n`
}

describe('the words for an app that hosts share', () => {
  itNeeds(missing)('are the same where its home publishes nothing newer', async () => {
    await Promise.all([compare(spare, 'copy_ended'), compare(node, 'copy_ended')])
  })

  itNeeds(missing)('are the same where the config does not say any more that it is', async () => {
    const share = await useShare(hub, undefined)
    try {
      await compare(hub, 'still_shared')
    } finally {
      await useShare(hub, share)
    }
  })

  itNeeds(missing)('are the same where the home is not confirmed', async () => {
    await world.postgres.stop('immediate')
    try {
      await hub.end()
      await hub.start()
      await compare(hub, 'not_confirmed')
    } finally {
      await world.postgres.start()
    }
    await untilConfirmed(hub)
  })

  itNeeds(missing)('are the same for a change that another keeper has to make', async () => {
    await untilHomeIs(spare, hub)
    const refusal = await refusalOf(spare, `/v1/apps/${APP}/logout`)
    expect(refusal).toMatchObject({ status: ERROR_CODES.not_home.status, error: 'not_home' })
    expect(await spare.cli('logout', APP, '--yes')).toEqual(refusal.said)
  })

  itNeeds(missing)('are the same for every change at a reader', async () => {
    const refusal = await refusalOf(node, `/v1/apps/${APP}/logout`)
    expect(refusal).toMatchObject({ status: ERROR_CODES.forbidden.status, error: 'forbidden' })
    for (const line of [
      ['logout', APP, '--yes'],
      ['share', 'move', APP],
      ['share', 'take-over', 'hub'],
      ['share', 'leave'],
      ['vault', 'rotate-key'],
    ]) {
      expect(await node.cli(...line), line.join(' ')).toEqual(refusal.said)
    }
  })

  itNeeds(missing)('are the same where a reader has no key that fits', async () => {
    const keys = join(node.home.directory, 'no-keys')
    await writeFile(keys, '', { mode: 0o600 })
    const { share } = JSON.parse(await node.readConfig()) as { share: object }
    await useShare(node, { ...share, readerKeys: keys })
    try {
      await compare(node, 'reader_key_missing')
    } finally {
      await useShare(node, share)
    }
  })

  itNeeds(missing)('are the same where it was signed out at its home', async () => {
    expect(await hub.cli('logout', APP, '--yes')).toMatchObject({ code: 0 })
    await Promise.all([
      compare(spare, 'signed_out_elsewhere'),
      compare(node, 'signed_out_elsewhere'),
    ])
  })

  itNeeds(missing)('are the same where no keeper has published it', async () => {
    await hub.end()
    await spare.end()
    await world.postgres.sql('DELETE FROM evo_token.app')
    await node.end()
    await node.start()
    await compare(node, 'copy_missing')
  })
})
