/**
 * The run of random faults: some apps at a strict server, a path that is at fault more often than not,
 * callers that ask in between, and a clock that jumps to wherever something is due.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientMetadata } from 'oidc-provider'
import { createPerson } from '../../support/person.ts'
import type { PathFault } from '../path-faults.ts'
import { type LogLine, type Sidecar, startSidecar } from '../sidecar.ts'
import { createStrictWorld, type StrictWorld } from '../strict-world.ts'
import { type Chance, chanceOf } from './chance.ts'
import { createTally, HEARTBEAT_MS, NOBODY_LISTENS, type Tally, WatchedApp } from './watched-app.ts'

export interface CampaignOptions {
  readonly seed: number
  readonly refreshes: number
  readonly apps: number
}

export interface Campaign {
  readonly tally: Tally
  /** Apps that could still be refreshed when the faults were over. */
  readonly alive: number
  /** How long it was by the daemon's clock. */
  readonly simulatedMs: number
}

const nameOf = (at: number) => `evo-${at + 1}`
const clientOf = (name: string) => `native-${name}`

export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const names = Array.from({ length: options.apps }, (_, at) => nameOf(at))
  await using world = await createStrictWorld({
    clients: (redirectUri) => names.map((name) => clientFor(name, redirectUri)),
  })
  const chance = chanceOf(String(options.seed))
  const tally = createTally()
  // Chance of its own: what an app meets does not hang on when another one is served.
  const apps = names.map((name) => new WatchedApp(name, clientOf(name), chance.fork(name), tally))
  const jitters = chance.fork('jitter')
  let jitter = 0
  await using sidecar = await startSidecar({
    clock: world.clock,
    config: world.config(
      Object.fromEntries(names.map((name) => [name, world.native({ clientId: clientOf(name) })])),
    ),
    random: () => (jitter = jitters.between(0, 1)),
    onLog: ({ message, fields }: LogLine) => {
      const app = apps.find(({ name }) => name === fields.app)
      const { mono } = world.clock.read()
      if (fields.step === 'reserve') app?.began()
      if (fields.step === 'send') app?.sent(mono)
      if (message !== 'session changed') return
      if (fields.event === 'issuer-answers') {
        app?.waitEnded(mono)
        return
      }
      app?.answered()
      if (fields.event === 'granted') app?.granted(mono)
      if (fields.event === 'unavailable' || fields.event === 'misconfigured') {
        // Drawn in the same breath as this line was written.
        app?.failed(fields.event, mono, jitter)
      }
    },
  })
  const field: Field = { world, sidecar, apps, tally, arrivalsSeen: 0 }
  const startedAt = world.clock.read().wall

  for (const app of apps) await signIn(field, app)
  while (tally.refreshes < options.refreshes) {
    if (chance.happens(0.03)) await world.path.meet(NOBODY_LISTENS)
    else await world.path.meet((form) => choose(field, form))
    await passUntilSomethingIsDue(field)
    await quiet(field, chance.happens(0.2) ? ask(field, chance) : undefined)
    for (const app of apps) {
      if (app.touched || chance.happens(0.1)) await look(field, app)
      // A person sees to it at once, or when the last token has run out.
      const noticed = chance.happens(0.3) || !app.isServed(world.clock.read().mono)
      if (app.signedOut && noticed) await signIn(field, app)
    }
  }

  // The path is well again, for longer than any caller waits.
  await world.path.clear()
  const end = world.clock.read().mono + RETRY_AFTER_MAX_MS
  while (world.clock.read().mono < end) {
    await passUntilSomethingIsDue(field)
    await quiet(field)
    for (const app of apps) await look(field, app)
  }
  let alive = 0
  for (const app of apps) {
    if (app.signedOut) await signIn(field, app)
    await look(field, app)
    const { status } = await sidecar.call('POST', `/v1/apps/${app.name}/refresh`)
    if (status === 200) alive++
  }
  return { tally, alive, simulatedMs: world.clock.read().wall - startedAt }
}

/** The longest that a server may keep us waiting. */
const RETRY_AFTER_MAX_MS = 15 * 60_000

interface Field {
  readonly world: StrictWorld
  readonly sidecar: Sidecar
  readonly apps: readonly WatchedApp[]
  readonly tally: Tally
  /** Of the arrivals on the path, how many the apps have been told of. */
  arrivalsSeen: number
}

function clientFor(name: string, redirectUri: string): ClientMetadata {
  return {
    client_id: clientOf(name),
    redirect_uris: [redirectUri],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    application_type: 'native',
    token_endpoint_auth_method: 'none',
  }
}

function choose({ world, apps }: Field, form: URLSearchParams): PathFault | undefined {
  if (form.get('grant_type') !== 'refresh_token') return undefined
  const app = apps.find(({ clientId }) => clientId === form.get('client_id'))
  return app?.choose(world.clock.read().mono)
}

/** In a browser of its own each time: what came of one sign-in does not hang on another. */
async function signIn(field: Field, app: WatchedApp): Promise<void> {
  const { world, sidecar, tally } = field
  await world.path.clear()
  await sidecar.signIn(app.name, createPerson(`person-of-${app.name}`))
  // The code is no refresh.
  tally.requests--
  app.signedIn(world.clock.read().mono)
  // The others need not wait any more, since the server answers.
  await quiet(field)
  await look(field, app)
}

async function look(
  { world, sidecar }: Pick<Field, 'world' | 'sidecar'>,
  app: WatchedApp,
): Promise<void> {
  const [token, status, readyz] = await Promise.all([
    sidecar.token(app.name),
    sidecar.status(app.name),
    sidecar.call('GET', `/readyz/${app.name}`),
  ])
  app.look(world.clock.read().mono, token, status, readyz)
}

/** A caller that wants a new token: because an API refused the one there is, or for a long job. */
async function ask({ sidecar, apps, tally }: Field, chance: Chance): Promise<void> {
  const { name } = chance.pick(apps)
  const { status } = await chance.pick([
    () => sidecar.call('POST', `/v1/apps/${name}/refresh`),
    () => sidecar.call('GET', `/v1/apps/${name}/token?min_ttl=3599&wait=60`),
  ])()
  if (![200, 409, 503].includes(status)) tally.wrong.push(`${name}: a caller got a ${status}`)
}

/** Heartbeats in which nothing would happen are left out. */
async function passUntilSomethingIsDue({ world, apps }: Field): Promise<void> {
  const now = world.clock.read().wall
  const dueAt = Math.min(...apps.map((app) => app.dueAt))
  const beats = Math.ceil((dueAt - now) / HEARTBEAT_MS)
  world.clock.pass(HEARTBEAT_MS * Math.min(Math.max(1, beats), MOST_BEATS))
}

/** No more than this is left out. */
const MOST_BEATS = 600

/**
 * Resolves when everything that is due has been done, or given up: where all that is under way hangs,
 * the clock goes on, a heartbeat at a time, and the others with it.
 */
async function quiet(field: Field, asked?: Promise<void>): Promise<void> {
  const { world, sidecar, apps } = field
  const { clock, path } = world
  // The last round is one in which no time went by, and after each caller was answered.
  for (let round = 0, moved = true; moved || round < 2; round++) {
    const { mono } = clock.read()
    await sidecar.beat()
    const settling = Promise.all([asked, sidecar.settled()]).then(() => false)
    while (await Promise.race([settling, sleep(1, true)])) {
      const hanging = path.arrivals
        .slice(field.arrivalsSeen)
        .filter(({ state }) => state === 'hanging').length
      const waiting = apps.filter((app) => app.waits).length
      if (waiting > 0 && waiting === hanging) {
        clock.pass(HEARTBEAT_MS)
        await sidecar.beat()
      }
    }
    moved = clock.read().mono !== mono
  }
  for (const arrival of path.arrivals.slice(field.arrivalsSeen)) {
    if (arrival.grantType !== 'refresh_token') continue
    apps.find(({ clientId }) => clientId === arrival.clientId)?.ended(arrival)
  }
  field.arrivalsSeen = path.arrivals.length
  for (const app of apps) app.settled()
}
