/** A record that another process writes while the daemon runs, as a restored backup or a second daemon would. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { platform } from '../../src/platform/current.ts'
import { openVault } from '../../src/adapters/vault/open-vault.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import type { AppRecord, LoadedRecord } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { recordingLog } from '../support/builders.ts'
import { createPerson } from '../support/person.ts'
import type { Sidecar } from './sidecar.ts'
import {
  AHEAD_MS,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const DUE_MS = LIFETIME_MS - AHEAD_MS * 0.98

let world: StrictWorld

beforeAll(async () => {
  world = await createStrictWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

/** What another program with the same key would do to the app's record. */
async function changeRecord(
  { home }: Sidecar,
  change: (record: AppRecord) => Promise<Partial<AppRecord>>,
  type: 'native' | 'web' = 'native',
): Promise<void> {
  const opened = await openVault({
    dir: join(home.stateDir, 'vault'),
    keys: createKeyPlaces({
      keyFile: join(home.stateDir, 'vault-key'),
      env: home.env,
      uid: process.getuid?.() ?? -1,
    }),
    source: 'file',
    machineId: await platform.readMachineId(),
    takeOver: false,
    log: recordingLog(),
  })
  if (opened.kind !== 'open') throw new Error(opened.failure.message)
  const identity = {
    issuer: world.path.url,
    tokenEndpoint: null,
    clientId: world.server.clients[type].clientId,
    type,
  }
  const { record } = (await opened.records.load({ app: ME, identity })) as LoadedRecord
  if (!record) throw new Error('there is no record')
  const changed = { ...record, ...(await change(record)), generation: record.generation + 1 }
  expect(await opened.records.store(ME, changed)).toEqual({ kind: 'stored' })
}

/** Refreshes at the server as another process would, and keeps what it brought. */
async function refreshElsewhere({ tokens, identity, clientSecret }: AppRecord) {
  if (!tokens?.refreshToken) throw new Error('there is nothing to refresh with')
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: identity.clientId,
    refresh_token: tokens.refreshToken.expose(),
  })
  if (clientSecret) form.set('client_secret', clientSecret.expose())
  const answer = await fetch(`${world.server.url}/token`, { method: 'POST', body: form })
  const granted = (await answer.json()) as { access_token: string; refresh_token: string }
  return {
    tokens: {
      ...tokens,
      accessToken: new Secret(granted.access_token),
      refreshToken: new Secret(granted.refresh_token),
      receivedAt: world.clock.read().wall,
    },
  }
}

it('is taken over before the next request leaves, and the session goes on with what it holds', async () => {
  const { sidecar, sends } = await observe(world, { [ME]: world.native() })
  await using _sidecar = sidecar
  await sidecar.signIn(ME, createPerson('ada'))
  const first = await sidecar.token(ME)
  world.clock.pass(DUE_MS - 1)
  await changeRecord(sidecar, refreshElsewhere)
  const before = sends()
  world.clock.pass(1)
  await sidecar.round()
  await sidecar.round()
  // The old refresh token is spent: to send it now would end the session.
  expect(sends()).toBe(before)
  const second = await sidecar.token(ME)
  expect(second).toMatchObject({ status: 200 })
  expect(second.body.access_token).not.toBe(first.body.access_token)

  world.clock.pass(DUE_MS)
  await sidecar.round()
  expect(sends()).toBe(before + 1)
  expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
  expect(world.server.liveFamilies()).toMatchObject([{ generation: 2 }])
})

it('is looked for before a rejection is believed, and what it holds is tried', async () => {
  const { sidecar, sends } = await observe(world, { [ME]: world.native() })
  await using _sidecar = sidecar
  await sidecar.signIn(ME, createPerson('grace'))
  const first = await sidecar.token(ME)
  const before = sends()
  await world.path.meetOnce({
    name: 'a rejection of what another process has spent meanwhile',
    async happen({ answer }) {
      await changeRecord(sidecar, refreshElsewhere)
      answer(400, JSON.stringify({ error: 'invalid_grant' }))
    },
  })
  world.clock.pass(DUE_MS)
  await sidecar.round()
  expect(sends()).toBe(before + 2)
  expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
  const second = await sidecar.token(ME)
  expect(second.body.access_token).not.toBe(first.body.access_token)
  expect(world.server.liveFamilies()).toMatchObject([{ login: 'ada' }, { generation: 2 }])
})

it('of an app that keeps its client secret does not survive a logout', async () => {
  const { clientId, clientSecret } = world.server.clients.web
  const web = world.native({ type: 'web', clientId })
  const { sidecar } = await observe(world, { [ME]: web })
  await using _sidecar = sidecar
  await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, { client_secret: clientSecret })
  await sidecar.signIn(ME, createPerson('mary'))
  // The first refresh proves the secret, and the record has it in its place.
  await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
  await changeRecord(sidecar, refreshElsewhere, 'web')
  expect(await sidecar.own('POST', `/v1/apps/${ME}/logout`)).toMatchObject({ status: 200 })
  await sidecar.restart()
  expect(await sidecar.token(ME)).toMatchObject({ status: 409, body: { error: 'login_required' } })
  expect(world.server.liveFamilies(clientId)).toEqual([])
})
