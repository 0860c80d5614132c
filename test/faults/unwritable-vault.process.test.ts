/** A vault that cannot be written, against the real one: nothing is spent, and nothing is lost. */
import { randomUUID } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import {
  AHEAD_MS,
  backOffMs,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  SCOPES,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const JITTER = 0.2
const DUE_MS = LIFETIME_MS - AHEAD_MS * (1 - JITTER / 10)
const UNWRITABLE = { status: 503, reason: 'vault_unwritable' }
const READY = { status: 200, reason: null }

let world: StrictWorld
let people = 0

beforeAll(async () => {
  world = await createStrictWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

async function signedIn() {
  const observed = await observe(world, { [ME]: world.native() }, JITTER)
  const { sidecar } = observed
  const person = createPerson(`person-${++people}`)
  await sidecar.signIn(ME, person)
  const { body } = await sidecar.token(ME)
  // A directory where the next record should be written: that stops root, too.
  const next = join(sidecar.home.stateDir, 'vault', `${ME}.jwe.new`)
  return {
    ...observed,
    person,
    first: body.access_token as string,
    sentBefore: observed.sends(),
    refuse: async () => {
      await rm(next, { force: true })
      await mkdir(next)
    },
    accept: () => rmdir(next),
  }
}

it('lets no request out, serves the good token, says why, and heals by itself', async () => {
  const { sidecar, first, sends, sentBefore, refuse, accept } = await signedIn()
  await using _sidecar = sidecar
  await refuse()
  world.clock.pass(DUE_MS)
  await sidecar.round()
  expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: first } })
  expect(await sidecar.readyz(ME)).toEqual(UNWRITABLE)
  expect(await sidecar.status(ME)).toMatchObject({
    session: 'retrying',
    last_error: {
      error: 'vault_unwritable',
      message: expect.stringContaining(sidecar.home.stateDir) as string,
    },
  })
  expect(await sidecar.exitCode('get', ME)).toBe(0)

  // No request for one leaves, as often as it is tried.
  await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
  for (const failures of [1, 2, 3]) {
    world.clock.pass(backOffMs(failures, JITTER))
    await sidecar.round()
  }
  world.clock.pass(LIFETIME_MS - DUE_MS)
  await sidecar.round()
  expect(await sidecar.token(ME)).toMatchObject({ status: 503, body: { error: 'unavailable' } })
  expect(await sidecar.readyz(ME)).toEqual(UNWRITABLE)
  expect(await sidecar.exitCode('get', ME)).toBe(5)
  expect(sends()).toBe(sentBefore)

  await accept()
  world.clock.pass(backOffMs(5, JITTER))
  await sidecar.round()
  expect(await sidecar.readyz(ME)).toEqual(READY)
  expect(sends()).toBe(sentBefore + 1)
  await sidecar.restart()
  expect(await sidecar.call('POST', `/v1/apps/${ME}/refresh`)).toMatchObject({ status: 200 })
})

it.each([
  ['is away, as a home on the network may be', async () => undefined],
  [
    'has another one in its place',
    async (vault: string) => {
      await mkdir(vault, { recursive: true, mode: 0o700 })
      await cp(`${vault.replace('/state/', '/away/')}/vault.json`, join(vault, 'vault.json'))
      const header = await readFile(join(vault, 'vault.json'), 'utf8')
      await writeFile(
        join(vault, 'vault.json'),
        header.replace(/"id": "[^"]+"/, `"id": "${randomUUID()}"`),
      )
    },
  ],
] as const)('loses no session while the whole vault %s', async (_, replace) => {
  const { sidecar, first, sends, sentBefore } = await signedIn()
  await using _sidecar = sidecar
  const { stateDir } = sidecar.home
  const away = join(dirname(stateDir), 'away')
  await rename(stateDir, away)
  await replace(join(stateDir, 'vault'))
  world.clock.pass(DUE_MS)
  await sidecar.round()
  expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: first } })
  expect(await sidecar.status(ME)).toMatchObject({
    session: 'retrying',
    last_error: { error: 'vault_unwritable' },
  })
  expect(sends()).toBe(sentBefore)

  // The daemon writes other files there meanwhile, such as those of its activity.
  await until('the state directory is back', () =>
    rm(stateDir, { recursive: true, force: true })
      .then(() => rename(away, stateDir))
      .then(
        () => true,
        () => false,
      ),
  )
  world.clock.pass(backOffMs(1, JITTER))
  await sidecar.round()
  expect(sends()).toBe(sentBefore + 1)
  await sidecar.restart()
  expect(await sidecar.call('POST', `/v1/apps/${ME}/refresh`)).toMatchObject({ status: 200 })
})

it('sends no code either, and the session that there is goes on', async () => {
  const { sidecar, person, first, refuse, accept } = await signedIn()
  await using _sidecar = sidecar
  const complete = await sidecar.beginSignIn(ME, person)
  const redeemed = world.server.count('authorization_code')
  await refuse()
  expect(await complete()).toMatchObject({ body: { status: 'failed', error: 'vault_unwritable' } })
  expect(world.server.count('authorization_code')).toBe(redeemed)
  expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: first } })
  await accept()
  world.clock.pass(DUE_MS)
  await sidecar.round()
  expect(await sidecar.readyz(ME)).toEqual(READY)
})

it('serves from memory what it refuses after the answer, spends nothing more, and stores it later', async () => {
  const { sidecar, lines, first, sends, sentBefore, refuse, accept } = await signedIn()
  await using _sidecar = sidecar
  const held = world.path.hold('answer')
  world.clock.pass(DUE_MS)
  await sidecar.beat()
  await held.arrived
  await refuse()
  held.release()
  await sidecar.settled()
  const { status, body } = await sidecar.token(ME)
  const second = body.access_token
  expect({ status, renewed: second !== first }).toEqual({ status: 200, renewed: true })
  expect(await sidecar.readyz(ME)).toEqual(UNWRITABLE)
  expect(await sidecar.status(ME)).toMatchObject({
    session: 'active',
    last_error: { error: 'vault_unwritable' },
  })

  // What memory holds is not spent.
  world.clock.pass(DUE_MS)
  await sidecar.round()
  await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
  expect(sends()).toBe(sentBefore + 1)
  expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: second } })

  // The first heartbeat that can stores it: no time goes by.
  await accept()
  await until('a heartbeat has stored it', () =>
    lines.some(({ message }) => message === 'stored what the disk had refused'),
  )
  await sidecar.restart()
  expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: second } })
  world.clock.pass(backOffMs(1, JITTER))
  await sidecar.round()
  expect(await sidecar.readyz(ME)).toEqual(READY)
  expect(sends()).toBe(sentBefore + 2)
})

it('does not stop a service app, which spends nothing', async () => {
  const service = {
    type: 'service',
    clientId: world.server.clients.service.clientId,
    scopes: SCOPES,
  }
  const { sidecar } = await observe(world, { robot: service })
  await using _sidecar = sidecar
  const { clientSecret } = world.server.clients.service
  await sidecar.own('PUT', '/v1/apps/robot/client-secret', { client_secret: clientSecret })
  const { body } = await sidecar.token('robot')
  await mkdir(join(sidecar.home.stateDir, 'vault', 'robot.jwe.new'))
  world.clock.pass(LIFETIME_MS)
  await sidecar.round()
  const { status, body: next } = await sidecar.token('robot')
  expect(status).toBe(200)
  expect(next.access_token).not.toBe(body.access_token)
  expect(await sidecar.readyz('robot')).toEqual(READY)
})
