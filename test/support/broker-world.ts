/** A broker in a world where the clock, the disk and the authorization server do as a test says. */
import { Broker } from '../../src/broker/broker.ts'
import type { IssuerTurnsDeps } from '../../src/broker/issuer-turns.ts'
import type { Sleep } from '../../src/broker/wait-at-most.ts'
import type { NewActivity } from '../../src/core/activity.ts'
import { type App, identityOf } from '../../src/core/app.ts'
import type {
  AppRecord,
  OpenedVault,
  StoreResult,
  RecordCopies,
  Vault,
  VaultKeys,
  VaultRecords,
} from '../../src/core/vault.ts'
import type {
  AuthorizationServer,
  GrantOutcome,
  PollOutcome,
  PreparedRequest,
} from '../../src/core/authorization-server.ts'
import type { IssuerTurns } from '../../src/core/registration.ts'
import type {
  PortHolder,
  RedirectLease,
  RedirectListener,
  RedirectRequest,
} from '../../src/core/redirect-listener.ts'
import { toStored } from '../../src/core/stored-tokens.ts'
import type { Grant, Reading } from '../../src/core/token.ts'
import { Secret } from '../../src/secret.ts'
import { app as nativeApp, grant, later, NOW, recordingLog, tokenSet } from './builders.ts'

/** A disk in memory that can be told to refuse. */
export function createMemoryVault() {
  const records = new Map<string, AppRecord>()
  const attempts = new Set<string>()
  /** Apps whose record could not be read and was set aside. */
  const damaged = new Set<string>()
  /** Apps whose record a newer version wrote. */
  const newer = new Set<string>()
  const steps: string[] = []
  const disk = { refuses: false }
  const unwritable: StoreResult = {
    kind: 'unwritable',
    failure: { code: 'vault_unwritable', message: 'no space left' },
  }
  const ofApps: VaultRecords = {
    async load({ app, identity }) {
      if (newer.has(app))
        return { record: undefined, unanswered: false, damaged: false, newer: true }
      if (damaged.delete(app)) return { record: undefined, unanswered: false, damaged: true }
      const record = records.get(app)
      const fits = JSON.stringify(record?.identity) === JSON.stringify(identity)
      return record && fits ? { record, unanswered: attempts.has(app), damaged: false } : undefined
    },
    async reserve(app, record) {
      if (disk.refuses) return unwritable
      if (newer.has(app)) return { kind: 'newer' }
      if ((records.get(app)?.generation ?? 0) !== record.generation) return { kind: 'changed' }
      steps.push('reserve')
      attempts.add(app)
      return { kind: 'stored' }
    },
    async store(app, record, unanswered = false, follows = record.generation - 1) {
      if (disk.refuses) return unwritable
      if (newer.has(app)) return { kind: 'newer' }
      if ((records.get(app)?.generation ?? 0) !== follows) return { kind: 'changed' }
      steps.push('store')
      records.set(app, record)
      if (unanswered) attempts.add(app)
      else attempts.delete(app)
      return { kind: 'stored' }
    },
    async takeIn(app, record, unanswered = false) {
      if (disk.refuses) return unwritable
      steps.push('take in')
      records.set(app, record)
      if (unanswered) attempts.add(app)
      else attempts.delete(app)
      return { kind: 'stored' }
    },
    async release(app) {
      attempts.delete(app)
    },
    async remove(app) {
      if (disk.refuses) return unwritable
      if (newer.has(app)) return { kind: 'newer' }
      steps.push('remove')
      records.delete(app)
      attempts.delete(app)
      return { kind: 'stored' }
    },
    async isNewer({ app }) {
      return newer.has(app)
    },
  }
  const keys: VaultKeys = {
    async rotate(inQueue) {
      for (const app of records.keys()) await inQueue(app, async () => undefined)
    },
    source: () => 'file',
    digests: () => [],
    async move() {
      steps.push('move')
    },
  }
  const copies: RecordCopies = {
    kids: () => [],
    seal: () => Promise.reject(new Error('nothing is shared here')),
    openSession: async () => ({ kind: 'unknown-key' }),
    openAccess: async () => ({ kind: 'unknown-key' }),
    readerKeys: () => {
      throw new Error('nothing is shared here')
    },
  }
  const vault: Vault = { records: ofApps, keys, copies }
  return { vault, records, attempts, damaged, newer, steps, disk }
}

export type Answer =
  GrantOutcome | Promise<GrantOutcome> | (() => GrantOutcome | Promise<GrantOutcome>)

export interface WorldOptions {
  readonly apps?: App[]
  readonly now?: Reading
  readonly locked?: boolean
  /** How requests of one issuer wait for each other; without it, as `turns` says. */
  readonly turnsOf?: (deps: IssuerTurnsDeps) => IssuerTurns
}

export function createWorld(options: WorldOptions = {}) {
  const apps = options.apps ?? [nativeApp()]
  const memory = createMemoryVault()
  const clock = { now: options.now ?? NOW, read: () => clock.now }
  const requests: string[] = []
  const revoked: string[] = []
  const answers: Answer[] = []
  const changes: string[] = []
  const activity: NewActivity[] = []
  /** What systemd hands over, by app. */
  const credentials = new Map<string, Secret>()
  /** Client secrets that are not of the kind that their apps show. */
  const unfit = new Set<string>()
  const log = recordingLog()
  const network = { signature: 'lan' }
  const door = { locked: options.locked ?? false }
  const redirects: RedirectRequest[] = []
  const closed: string[] = []
  const concluded: string[] = []
  const ports = {
    busy: new Set<string>(),
    /** Redirect URIs whose ports may not be opened. */
    closed: new Set<string>(),
    /** Whose program has a busy port, where `holderOf` does not say otherwise. */
    holder: 'own' as PortHolder,
    holderOf: new Map<number, PortHolder>(),
    /** How long a port takes to open. */
    opened: Promise.resolve(),
  }
  /** What a request waits for before it may begin, as others of the same issuer are under way. */
  const turns = { next: Promise.resolve() }
  /** What a sign-in waits for before the authorization server has told it where to go. */
  const directions = { next: Promise.resolve() }
  /** Waits that end when a test says so, each with its length. */
  const sleeping: { ms: number; wake: () => void }[] = []
  const sleep: Sleep = (ms, signal) =>
    new Promise((resolve, reject) => {
      if (ms === 0) resolve()
      else sleeping.push({ ms, wake: resolve })
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'))
      })
    })
  const issuerTurns = options.turnsOf?.({ clock, sleep }) ?? {
    async take() {
      await turns.next
      return { end: () => undefined }
    },
    takeAtOnce: () => ({ end: () => undefined }),
    beat: () => undefined,
  }

  const answer = async (): Promise<GrantOutcome> => {
    const next = answers.shift() ?? unavailable()
    const outcome = await (typeof next === 'function' ? next() : next)
    return outcome.kind === 'granted' ? { ...outcome, received: clock.now } : outcome
  }

  const serverOf = (app: App): AuthorizationServer => ({
    secretFault: (secret) => (unfit.has(secret.expose()) ? UNFIT : undefined),
    async prepareRefresh(refreshToken, clientSecret) {
      return ready(() => {
        memory.steps.push('send')
        requests.push(
          `refresh ${refreshToken.expose()}${clientSecret ? ` ${clientSecret.expose()}` : ''}`,
        )
        return answer()
      })
    },
    async issue(clientSecret) {
      requests.push(`issue ${clientSecret?.expose() ?? '-'}`)
      return answer()
    },
    async authorize(redirectUri, { switchUser }) {
      await directions.next
      const state = `state-${redirects.length + 1}`
      const url = `${app.issuer}/auth?state=${state}${switchUser ? '&prompt=login' : ''}`
      const codeVerifier = new Secret('verifier')
      return { kind: 'ok', value: { url, state, codeVerifier, redirectUri } }
    },
    async prepareRedemption(_request, callback) {
      return ready(() => {
        requests.push(`redeem ${callback.searchParams.get('code') ?? ''}`)
        return answer()
      })
    },
    async authorizeDevice() {
      await directions.next
      return {
        kind: 'ok',
        value: {
          deviceCode: new Secret('device-code'),
          userCode: 'ABCD-EFGH',
          verificationUri: `${app.issuer}/device`,
          expiresInMs: 300_000,
          intervalMs: 5_000,
        },
      }
    },
    async preparePoll() {
      return ready(async (): Promise<PollOutcome> => {
        requests.push('poll')
        const outcome = await answer()
        return outcome.kind === 'unavailable' && outcome.failure.code === 'authorization_pending'
          ? { kind: 'pending', slowDown: false }
          : outcome
      })
    },
    async revoke(token, kind) {
      revoked.push(`${kind} ${token.expose()}`)
      return true
    },
    forgetFailures: () => undefined,
  })

  const leaseOf = ({ state }: RedirectRequest, host: string): RedirectLease => ({
    openUrl: `http://${host}/open/${state}`,
    conclude: () => concluded.push(state),
    close: () => closed.push(state),
  })
  const listener: RedirectListener = {
    async listen(request) {
      if (ports.busy.has(request.redirectUri)) {
        const port = Number(new URL(request.redirectUri).port)
        return { kind: 'busy', port, holder: ports.holderOf.get(port) ?? ports.holder }
      }
      if (ports.closed.has(request.redirectUri)) return { kind: 'closed' }
      if (!request.redirectUri.startsWith('http://localhost')) return { kind: 'remote' }
      redirects.push(request)
      await ports.opened
      return { kind: 'listening', lease: leaseOf(request, 'localhost:3000') }
    },
    async listenForLink(request) {
      redirects.push(request)
      return leaseOf(request, '127.0.0.1:49152')
    },
    ports: () => [],
  }

  const clientSecretOf = ({ name }: App) => {
    const clientSecret = credentials.get(name)
    return clientSecret ? { clientSecret } : {}
  }

  const registrationsOf = (list: readonly App[]) =>
    list.map((app) => ({
      app,
      server: serverOf(app),
      ...clientSecretOf(app),
      nextReissue: () =>
        app.reissue === undefined
          ? undefined
          : (Math.floor(clock.now.wall / HALF_HOUR) + 1) * HALF_HOUR,
      limit: async <T>(work: () => Promise<T>) => {
        await turns.next
        return work()
      },
      turns: issuerTurns,
    }))

  const openVault = async (): Promise<OpenedVault> =>
    door.locked
      ? { kind: 'locked', failure: { code: 'vault_locked', message: 'locked' }, hint: 'unlock it' }
      : { kind: 'open', ...memory.vault }

  let ids = 0
  const newBroker = (): Broker =>
    new Broker(
      {
        clock,
        log,
        listener,
        openVault,
        random: () => world.random,
        newId: () => `sign-in-${++ids}`,
        networkSignature: () => network.signature,
        onChange: (app) => changes.push(app),
        onActivity: (happened) => activity.push(happened),
        fileFaultOf: () => undefined,
        sleep,
      },
      registrationsOf(apps),
    )

  const world = {
    ...memory,
    /** Of the config that a restart reads. */
    apps,
    /** Uniform in [0, 1). */
    random: 0,
    broker: newBroker(),
    clock,
    requests,
    revoked,
    answers,
    changes,
    activity,
    log,
    network,
    door,
    redirects,
    credentials,
    unfit,
    closed,
    concluded,
    ports,
    directions,
    sleeping,
    turns,
    registrationsOf,
    /** Moves both clocks on. */
    pass: (ms: number) => {
      clock.now = later(ms, clock.now)
    },
    /** One heartbeat, and everything it set off. */
    beat: async () => {
      world.broker.beat()
      await settle()
    },
    /** Another process, with the same disk. */
    restart: async () => {
      await world.broker.stop()
      world.broker = newBroker()
      await world.broker.open()
    },
  }
  return world
}

/** A signed-in native app: its record is on the disk, and the broker has restored it. */
export async function signedIn(overrides: { app?: App; record?: Partial<AppRecord> } = {}) {
  const app = overrides.app ?? nativeApp()
  const world = createWorld({ apps: [app] })
  const subject = { id: 'user-1', name: 'ada@example.org' }
  world.records.set(app.name, {
    generation: 1,
    identity: identityOf(app),
    tokens: toStored(tokenSet({ subject })),
    askedScope: app.scopes.join(' '),
    ...overrides.record,
  })
  await world.broker.open()
  return world
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve()
}

function ready<Outcome>(send: () => Promise<Outcome>): PreparedRequest<Outcome> {
  return { kind: 'ready', send }
}

export function granted(overrides: Partial<Grant> = {}): GrantOutcome {
  return { kind: 'granted', grant: grant(overrides), received: NOW }
}

export function unavailable(
  overrides: Partial<Extract<GrantOutcome, { kind: 'unavailable' }>> = {},
): GrantOutcome {
  return { kind: 'unavailable', failure: FAILURE, answerLost: false, ...overrides }
}

export const INVALID_GRANT: GrantOutcome = {
  kind: 'rejected',
  failure: { code: 'invalid_grant', message: 'refresh token is not valid' },
}

export const INVALID_CLIENT: GrantOutcome = {
  kind: 'misconfigured',
  failure: { code: 'invalid_client', message: 'unknown client' },
}

const UNFIT = { code: 'private_key_missing', message: 'That is no private key.' }
const FAILURE = { code: 'server_error', message: 'out of order' }
const HALF_HOUR = 1_800_000
