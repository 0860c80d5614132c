/** A downgrade and back: what a later version wrote is kept or waits, through all that is done to the app. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { vaultWorld, type VaultWorld } from '../support/vault-world.ts'
import type { Sidecar } from './sidecar.ts'
import {
  AHEAD_MS,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const PIPELINE = 'evo-pipeline'
const DUE_MS = LIFETIME_MS - AHEAD_MS * 0.98
const FILE = `${ME}.jwe`

type Content = Readonly<Record<string, unknown>>

let world: StrictWorld

beforeAll(async () => {
  world = await createStrictWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

function service(): object {
  const { clientId } = world.server.clients.service
  return { type: 'service', clientId, scopes: ['evo.discovery'] }
}

/** A person is signed in to one app, and another one has its client secret. */
async function signedIn(app = world.native()) {
  const observed = await observe(world, { [ME]: app, [PIPELINE]: service() })
  const { sidecar } = observed
  const { clientSecret } = world.server.clients.service
  await sidecar.own('PUT', `/v1/apps/${PIPELINE}/client-secret`, { client_secret: clientSecret })
  return { ...observed, vault: vaultWorld(sidecar.home.stateDir) }
}

/** The files of the vault that are the app's. */
function filesOf({ dir }: VaultWorld, app = ME): Readonly<Record<string, string>> {
  const names = readdirSync(dir).filter((name) => name.startsWith(app))
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name), 'latin1')]))
}

/** As a later version writes it: with something more at every level. */
function later(content: Content): Content {
  const { identity, tokens } = content as { identity: object; tokens?: { subject?: object } }
  return {
    ...content,
    novelty: { secret: 'of a later version' },
    identity: { ...identity, novelty: [1] },
    ...(tokens && {
      tokens: { ...tokens, novelty: 2, subject: { ...tokens.subject, novelty: null } },
    }),
  }
}

async function refresh(sidecar: Sidecar): Promise<void> {
  world.clock.pass(DUE_MS)
  await sidecar.round()
}

it('keeps what a later version added through a refresh, a new key, a rejection and a sign-in', async () => {
  const { sidecar, vault } = await signedIn()
  await using _sidecar = sidecar
  await sidecar.signIn(ME, createPerson('ada'))
  await sidecar.stop()
  const before = later(await vault.content(FILE))
  await vault.plant(FILE, before)
  const added = { novelty: before.novelty, identity: before.identity }

  await sidecar.start()
  await refresh(sidecar)
  expect(await vault.content(FILE)).toMatchObject({ ...added, generation: 2 })
  // It belonged to the tokens that were replaced.
  expect((await vault.content(FILE)).tokens).not.toHaveProperty('novelty')
  expect(await sidecar.own('POST', '/v1/vault/key', { rotate: true })).toMatchObject({
    status: 200,
  })
  expect(await vault.content(FILE)).toMatchObject({ ...added, generation: 2 })
  await sidecar.restart()
  world.server.intercept = async ({ grantType }, act) =>
    grantType === 'refresh_token' ? { status: 400, body: { error: 'invalid_grant' } } : act()
  await refresh(sidecar)
  expect(await vault.content(FILE)).toMatchObject({ ...added, lost: { error: 'invalid_grant' } })
  world.server.intercept = (_request, act) => act()
  await sidecar.signIn(ME, createPerson('ada'))
  expect(await vault.content(FILE)).toMatchObject(added)
  expect((await sidecar.token(ME)).status).toBe(200)
})

it('keeps what a later version added through a new client secret and a logout that keeps it', async () => {
  const { clientId, clientSecret } = world.server.clients.web
  const { sidecar, vault } = await signedIn(world.native({ type: 'web', clientId }))
  await using _sidecar = sidecar
  await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, { client_secret: 'of another time' })
  await sidecar.stop()
  await vault.plant(FILE, later(await vault.content(FILE)))
  await sidecar.start()
  await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, { client_secret: clientSecret })
  await sidecar.signIn(ME, createPerson('grace'))
  await refresh(sidecar)
  const novelty = { secret: 'of a later version' }
  expect(await vault.content(FILE)).toMatchObject({ clientSecret, novelty })
  expect(await sidecar.own('POST', `/v1/apps/${ME}/logout`)).toMatchObject({ status: 200 })
  expect(await vault.content(FILE)).toMatchObject({ clientSecret, novelty })
  expect(await vault.content(FILE)).not.toHaveProperty('tokens')
})

it.each([
  ['of another shape', (record: Content) => ({ ...record, tokens: [record.tokens] }), {}],
  ['without a member', ({ generation, ...record }: Content) => record, {}],
  ['of another kind', (record: Content) => record, { 'evo-kind': 'session' }],
])(
  'lets an app wait whose record is %s, and brings the session back',
  async (_what, change, of) => {
    const { sidecar, vault } = await signedIn()
    await using _sidecar = sidecar
    await sidecar.signIn(ME, createPerson('ada'))
    await sidecar.stop()
    const good = await vault.content(FILE)
    await vault.plant(FILE, change(later(good)), of)
    // What a kill of that version may have left.
    await vault.plant(`${FILE}.new`, change(later({ ...good, attempt: 'again' })), of)
    const before = filesOf(vault)

    await sidecar.start()
    const refused = { status: 503, body: { error: 'record_newer' } }
    const requests = world.server.requests.length
    for (const when of ['after the start', 'after more time', 'after a restart']) {
      expect({ when, ...(await sidecar.token(ME)) }).toMatchObject({ when, ...refused })
      expect(await sidecar.call('POST', `/v1/apps/${ME}/refresh`)).toMatchObject(refused)
      expect(await sidecar.readyz(ME)).toEqual({ status: 503, reason: 'record_newer' })
      expect(await sidecar.own('POST', `/v1/apps/${ME}/login`)).toMatchObject(refused)
      expect(await sidecar.own('POST', `/v1/apps/${ME}/logout`)).toMatchObject(refused)
      const body = { client_secret: 's' }
      expect(await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, body)).toMatchObject(refused)
      expect(await sidecar.exitCode('get', ME)).toBe(5)
      expect(await sidecar.status(ME)).toMatchObject({
        session: 'retrying',
        retry_at: null,
        last_error: {
          error: 'record_newer',
          message: expect.stringMatching(/newer evo-token/) as string,
        },
      })
      expect((await sidecar.token(PIPELINE)).status).toBe(200)
      if (when === 'after the start') await refresh(sidecar)
      if (when === 'after more time') await sidecar.restart()
    }
    // Another app in the config, and the same one again.
    for (const app of [world.native({ clientId: 'native-other' }), world.native()]) {
      await sidecar.home.write(world.config({ [ME]: app, [PIPELINE]: service() }))
      expect(await sidecar.own('POST', '/v1/reload')).toMatchObject({
        status: 200,
        body: { changed: [ME], sign_in_needed: [] },
      })
      expect(await sidecar.token(ME)).toMatchObject(refused)
    }
    expect(filesOf(vault)).toEqual(before)
    // The service app goes on meanwhile; of the other one nothing was sent anywhere.
    const sent = world.server.requests.slice(requests).map(({ grantType }) => grantType)
    expect(sent.filter((grantType) => grantType !== 'client_credentials')).toEqual([])

    // A new key is for what waits, too, which is whole under it.
    expect((await sidecar.own('POST', '/v1/vault/key', { rotate: true })).status).toBe(200)
    expect(await vault.content(FILE)).toEqual(change(later(good)))

    // The later version was there again, and has put the session into a form that this one can read.
    renameSync(vault.path(`${FILE}.new`), vault.path('elsewhere'))
    await vault.plant(FILE, later(good))
    await sidecar.round()
    await sidecar.round()
    expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
    await refresh(sidecar)
    expect((await sidecar.token(ME)).status).toBe(200)
  },
)

it('lets the app begin anew once its owner has put the files away', async () => {
  const { sidecar, vault } = await signedIn()
  await using _sidecar = sidecar
  await sidecar.stop()
  await vault.plant(FILE, { generation: 'seven' })
  await sidecar.start()
  expect(await sidecar.token(ME)).toMatchObject({ body: { error: 'record_newer' } })
  mkdirSync(join(sidecar.home.directory, 'away'))
  renameSync(vault.path(FILE), join(sidecar.home.directory, 'away', FILE))
  await sidecar.round()
  expect(await sidecar.token(ME)).toMatchObject({ status: 409, body: { error: 'login_required' } })
  await sidecar.signIn(ME, createPerson('ada'))
  expect((await sidecar.token(ME)).status).toBe(200)
})

it('sends nothing more for an app whose record a later version writes meanwhile', async () => {
  const { sidecar, vault, sends } = await signedIn()
  await using _sidecar = sidecar
  await sidecar.signIn(ME, createPerson('ada'))
  await vault.plant(FILE, { ...(await vault.content(FILE)), tokens: 'elsewhere' })
  const before = filesOf(vault)
  const sent = sends()
  await refresh(sidecar)
  expect(sends()).toBe(sent)
  // The token is good to its end, as ever.
  expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  for (const [method, path] of [
    ['POST', 'login'],
    ['POST', 'logout'],
    ['POST', 'refresh'],
  ] as const) {
    expect(await sidecar.own(method, `/v1/apps/${ME}/${path}`)).toMatchObject({
      status: 503,
      body: { error: 'record_newer' },
    })
  }
  world.clock.pass(AHEAD_MS)
  expect(await sidecar.token(ME)).toMatchObject({ status: 503, body: { error: 'record_newer' } })
  expect(filesOf(vault)).toEqual(before)
  expect(world.server.liveFamilies().length).toBeGreaterThan(0)
})

it('does not start with a list of callers that only a later version reads, and leaves it alone', async () => {
  const { sidecar } = await signedIn()
  await using _sidecar = sidecar
  await sidecar.stop()
  const path = join(sidecar.home.stateDir, 'callers.json')
  const kept = readFileSync(path, 'utf8')
  const text = JSON.stringify({ format: 2, callers: { local: { keys: [] } } })
  writeFileSync(path, text)
  await expect(sidecar.start()).rejects.toMatchObject({ code: 'record_newer', exitCode: 5 })
  expect(readFileSync(path, 'utf8')).toBe(text)
  writeFileSync(path, kept)
  await sidecar.start()
  expect((await sidecar.token(PIPELINE)).status).toBe(200)
})
