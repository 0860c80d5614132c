/**
 * Several daemons that share sessions through a real PostgreSQL, with a real authorization server: on
 * loopback, or each on a network of its own with a cable to pull. Durations are short.
 */
import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SharingPolicy } from '../../src/core/sharing/policy.ts'
import {
  type KillableDaemon,
  type KillableOptions,
  startKillableDaemon,
} from '../faults/killable-daemon.ts'
import { SCOPES, type Seed, seedAll } from '../faults/seeded-home.ts'
import {
  CLIENTS,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { type CliResult, createHome, type Home, runCli } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import {
  DATABASE,
  type Postgres,
  type PostgresOptions,
  startPostgres,
} from '../support/postgres.ts'
import { signInByBrowser } from '../support/sign-in.ts'
import { until } from '../support/until.ts'
import { createNetwork, type Network, type NetworkHost } from './network.ts'

export const APP = 'evo-me'

/** As the real ones, but short: what takes a minute takes seconds here. */
export const SHORT = {
  pollMs: 50,
  wholeMs: 500,
  beatMs: 200,
  // An answer holds longer than it is waited for, and a keeper is silent after that, as with the real ones.
  questionMs: 2_000,
  questionHoldsMs: 3_000,
  silentMs: 4_000,
  // Longer than a busy machine lets a process wait.
  gapMs: 30_000,
  watchMs: 300,
  cloneMs: 1_000,
  primariesMs: 500,
} satisfies Partial<SharingPolicy>

export interface Host extends AsyncDisposable {
  readonly name: string
  readonly home: Home
  /** Where its sessions are shared. */
  readonly postgres: Postgres
  /** Where it is on the network, if there is one. */
  readonly place: NetworkHost | undefined
  /** The daemon that runs, or ran last. */
  daemon(): KillableDaemon
  /** Every daemon that was started, in order. */
  daemons(): readonly KillableDaemon[]
  start(sharing?: Partial<SharingPolicy>, options?: KillableOptions): Promise<KillableDaemon>
  /** Ends the daemon and resolves when it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>
  cli(...args: readonly string[]): Promise<CliResult>
  readConfig(): Promise<string>
  /** Restarts it with other databases. */
  useDatabases(hosts: readonly string[]): Promise<void>
  /** What `evo-token get` prints; its error where it prints none. */
  token(): Promise<string>
  signIn(app?: string, choices?: { readonly person?: string }): Promise<CliResult>
  /** `evo-token share status --json`. */
  share(): Promise<ShareStatus>
}

export interface ShareStatus {
  readonly database?: { readonly primaries: readonly string[] }
  readonly confirmed?: boolean
  readonly message?: string | null
  readonly keepers?: readonly { readonly name: string; readonly alive: boolean }[]
  readonly apps?: readonly {
    readonly app: string
    readonly home: string | null
    readonly here: boolean
    readonly number: number | null
    readonly generation: number | null
    readonly published: boolean | null
  }[]
}

export interface HostsWorld extends AsyncDisposable {
  readonly postgres: Postgres
  readonly server: RunningAuthorizationServer
  /** Where the database is on the network, if there is one. */
  readonly databasePlace: NetworkHost | undefined
  /** What the hosts of a network trust, and show. */
  readonly certificates: Cables['certificates'] | undefined
  /** Of the role of all keepers. */
  readonly keeperPassword: string
  /** A keeper, started and confirmed. */
  keeper(name: string, options?: HostOptions): Promise<Host>
  /** A reader of the app, with a role and a key of its own, made at `keeper`. */
  reader(name: string, keeper: Host, options?: HostOptions): Promise<Host>
  /** The same host once more, as a machine that was copied; not started. */
  copyOf(host: Host): Promise<Host>
}

export interface HostOptions {
  /** For its daemons. */
  readonly env?: NodeJS.ProcessEnv
  /** Every app is signed in there before the first start. */
  readonly seed?: Seed
  /** Those in its config: all, if left out. */
  readonly apps?: readonly string[]
  /** A reader that has the role and the keys of this one, too. */
  readonly like?: Host
}

export interface HostsOptions {
  /** In place of the short ones. */
  readonly sharing?: Partial<SharingPolicy>
  /** One, unless they are named. */
  readonly apps?: readonly string[]
  readonly accessTokenTtlS?: number
  /** Whether hosts, database and authorization server reach one another by cables, and over TLS. */
  readonly network?: boolean
  /** More of the config of all. */
  readonly config?: object
  /** Where the database runs, if there is no network. */
  readonly database?: PostgresOptions
  /** Settings of the role of all keepers, from their first connection on. */
  readonly roleSettings?: Readonly<Record<string, string>>
}

/** For statements that a test holds: no limit ends one while it is held. */
export const PATIENT: Pick<HostsOptions, 'sharing' | 'roleSettings'> = {
  sharing: { questionMs: 120_000, questionHoldsMs: 130_000 },
  roleSettings: { statement_timeout: '0' },
}

const HOSTS_MAX = 14

const NATIVE = { type: 'native', clientId: CLIENTS.native.clientId, scopes: SCOPES }

export async function startHostsWorld({
  apps = [APP],
  sharing = {},
  network: isNetworked = false,
  config = {},
  roleSettings = {},
  database,
  ...options
}: HostsOptions = {}): Promise<HostsWorld> {
  const cables = isNetworked ? await startCables() : undefined
  const postgres = await startPostgres(cables?.ofDatabase ?? database)
  // The page of a sign-in stays for a minute, and with it its port: each host has one of its own.
  const redirectUris = await Promise.all(
    Array.from({ length: HOSTS_MAX }, async () => `http://localhost:${await freePort()}/callback`),
  )
  const server = await startAuthorizationServer({ ...options, ...cables?.ofServer, redirectUris })
  const vaultKey = randomBytes(32).toString('base64')
  const { passwordFile, password } = await postgres.createRole('evo_keeper')
  const superFile = await postgres.passwordFileOf('super')
  const usual = { heartbeatMs: 100, sharing: { ...SHORT, ...sharing } }
  const hosts: Host[] = []
  let created = 0
  let migrated = false

  async function createHost(
    name: string,
    share: object,
    { env = {}, seed, apps: own = apps }: HostOptions = {},
  ): Promise<Host> {
    const redirectUri = redirectUris[created++]
    const home = await createHome({
      ...config,
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: Object.fromEntries(own.map((app) => [app, { ...NATIVE, redirectUris: [redirectUri] }])),
      share: {
        ...{ type: 'postgresql', hosts: [postgres.host], database: DATABASE, name },
        ...(cables && { ca: cables.ca }),
        ...share,
      },
    })
    await mkdir(home.stateDir, { mode: 0o700 })
    await writeFile(join(home.stateDir, 'vault-key'), `${vaultKey}\n`, { mode: 0o600 })
    if (seed) await seedAll(home, server, Object.fromEntries(apps.map((app) => [app, seed])))
    const place = cables?.network.addHost()
    const host = toHost(name, home, postgres, place, {
      ...usual,
      env: { ...env, ...(cables && { NODE_EXTRA_CA_CERTS: cables.ca }) },
      ...(place && { under: place.under }),
    })
    hosts.push(host)
    return host
  }

  async function migrate(host: Host, ...args: readonly string[]): Promise<void> {
    const done = await host.cli(
      ...['share', 'migrate', '--user', 'super', '--password-file', superFile],
      ...args,
    )
    if (done.code !== 0) throw new Error(done.stderr)
  }

  return {
    postgres,
    server,
    databasePlace: cables?.ofDatabase.place,
    certificates: cables?.certificates,
    keeperPassword: password,
    async keeper(name, options) {
      const host = await createHost(name, { user: 'evo_keeper', passwordFile }, options)
      if (!migrated) await migrate(host, '--grant', 'evo_keeper')
      migrated = true
      for (const [setting, value] of Object.entries(roleSettings)) {
        await postgres.sql(`ALTER ROLE evo_keeper SET ${setting} = '${value}'`)
      }
      await host.start()
      await untilConfirmed(host)
      return host
    },
    async reader(name, keeper, options) {
      if (options?.like) {
        const { share } = JSON.parse(await options.like.readConfig()) as { share: object }
        const host = await createHost(name, { ...share, name }, options)
        await host.start()
        return host
      }
      const role = `evo_${name}`
      const { passwordFile: own } = await postgres.createRole(role)
      const read = options?.apps ?? apps
      await until(
        'its apps are shared',
        () => keeper.share(),
        (shared) => read.every((name) => isPublished(shared, name)),
      )
      const named = read.flatMap((app) => ['--app', app])
      await migrate(keeper, '--grant-reader', role, ...named)
      const keys = join(keeper.home.directory, `${name}-keys`)
      const made = await keeper.cli('share', 'reader-key', ...named, '--out', keys)
      if (made.code !== 0) throw new Error(made.stderr)
      const share = { role: 'reader', user: role, passwordFile: own, readerKeys: keys }
      const host = await createHost(name, share, options)
      await host.start()
      return host
    },
    async copyOf(host) {
      const home = await createHome(JSON.parse(await host.readConfig()) as object)
      await cp(host.home.stateDir, home.stateDir, { recursive: true, preserveTimestamps: true })
      const copy = toHost(host.name, home, postgres, undefined, usual)
      hosts.push(copy)
      return copy
    },
    async [Symbol.asyncDispose]() {
      for (const host of hosts) await host[Symbol.asyncDispose]()
      await server.close()
      await postgres[Symbol.asyncDispose]()
      await cables?.[Symbol.asyncDispose]()
    },
  }
}

interface Cables extends AsyncDisposable {
  readonly network: Network
  /** The path of the authority that all of them trust. */
  readonly ca: string
  readonly ofDatabase: { readonly place: NetworkHost; readonly tls: Certificates }
  readonly ofServer: { readonly address: string; readonly tls: Certificates }
  readonly certificates: Readonly<Record<'database' | 'elsewhere' | 'keeper', Certificates>>
}

async function startCables(): Promise<Cables> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-cables-'))
  const network = createNetwork()
  const place = network.addHost()
  const [database, server, elsewhere, keeper] = createCertificates(
    directory,
    ...([place.address, network.address, 'elsewhere.example', 'evo_keeper'] as const),
  )
  return {
    network,
    ca: database.ca,
    ofDatabase: { place, tls: database },
    ofServer: { address: network.address, tls: server },
    certificates: { database, elsewhere, keeper },
    async [Symbol.asyncDispose]() {
      network[Symbol.dispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function toHost(
  name: string,
  home: Home,
  postgres: Postgres,
  place: NetworkHost | undefined,
  usual: KillableOptions,
): Host {
  const daemons: KillableDaemon[] = []
  const running = () => {
    const daemon = daemons.at(-1)
    if (!daemon) throw new Error(`${name} was not started`)
    return daemon
  }
  const host: Host = {
    name,
    home,
    postgres,
    place,
    daemon: running,
    daemons: () => daemons,
    async start(sharing = {}, options = {}) {
      const all = { ...usual, ...options, sharing: { ...usual.sharing, ...sharing } }
      const daemon = startKillableDaemon(home, all)
      daemons.push(daemon)
      await daemon.socket
      return daemon
    },
    async end(signal = 'SIGTERM') {
      running().signal(signal)
      await running().ended
    },
    cli: (...args) => runCli(home, args),
    readConfig: () => readFile(home.config, 'utf8'),
    async useDatabases(hosts) {
      const config = JSON.parse(await host.readConfig()) as { share: object }
      await host.end()
      await home.write({ ...config, share: { ...config.share, hosts } })
      await host.start()
      if (!('role' in config.share)) await untilConfirmed(host)
    },
    async token() {
      const { code, stdout, stderr } = await host.cli('get', APP)
      return code === 0 ? stdout.trim() : stderr
    },
    signIn: (app = APP, choices = {}) => signInByBrowser(home, app, choices),
    async share() {
      const { code, stdout, stderr } = await host.cli('share', 'status', '--json')
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout) as ShareStatus
    },
    async [Symbol.asyncDispose]() {
      await daemons.at(-1)?.[Symbol.asyncDispose]()
      await home.remove()
    },
  }
  return host
}

function isPublished({ apps }: ShareStatus, name: string): boolean {
  return apps?.some(({ app, published }) => app === name && published === true) === true
}

/** Until `keeper` has written nothing for so long that it counts as gone, and `host` knows. */
export async function untilSilent(host: Host, keeper: Host): Promise<void> {
  const silent = `SELECT beat < clock_timestamp() - interval '${SHORT.silentMs} ms' AS silent
    FROM evo_token.keeper WHERE name = '${keeper.name}'`
  // The beats that `host` read last may be older than the newest one.
  await until(
    `${keeper.name} writes nothing`,
    () => host.postgres.sql(silent),
    (rows) => rows.every((row) => row.silent === true),
  )
  await until(
    `${host.name} hears nothing of ${keeper.name}`,
    () => host.share(),
    ({ keepers }) => keepers?.some(({ name, alive }) => name === keeper.name && !alive) === true,
  )
}

/** Until `host` serves this token. */
export async function untilServed(host: Host, token: string): Promise<void> {
  await until(
    `${host.name} serves the token`,
    () => host.token(),
    (seen) => seen === token,
  )
}

export async function untilConfirmed(host: Host): Promise<void> {
  await until(
    `${host.name} is confirmed`,
    () => host.share(),
    ({ confirmed }) => confirmed === true,
  )
}

/** Until `host` says this of the home of the app. */
export async function untilHomeIs(host: Host, home: Host): Promise<void> {
  await until(
    `${host.name} knows that the home is ${home.name}`,
    () => host.share(),
    ({ apps }) => apps?.[0]?.home === home.name && apps[0].published === true,
  )
}

/** Until `host` serves what `other` does. */
export async function untilServes(host: Host, other: Host): Promise<void> {
  await untilServed(host, await other.token())
}

/** Gets a new token at `host` now. @throws what the command said, where there is none. */
export async function refresh(host: Host): Promise<void> {
  const { code, stderr } = await host.cli('refresh', APP)
  if (code === 0) return
  const [status, share] = [await host.cli('status', APP), await host.cli('share', 'status')]
  const log = host
    .daemon()
    .log.slice(-40)
    .map((line) => JSON.stringify(line))
  throw new Error(`${host.name}: ${stderr}${status.stdout}${share.stdout}${log.join('\n')}`)
}
