/** A PostgreSQL of its own: a cluster in a temporary directory, on a free port, not as root. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const run = promisify(execFile)

/** Debian keeps each major version below its own directory. */
const VERSIONS = '/usr/lib/postgresql'

const BIN = binaries()

export const DATABASE = 'evo_token'
const SUPERUSER = 'super'

/** Why a test with a PostgreSQL cannot run; undefined where it can. */
export function noPostgres(): string | undefined {
  if (BIN === undefined) return 'not installed: postgresql'
  return isRoot() && userId('postgres') === undefined ? 'there is no user postgres' : undefined
}

export interface Postgres extends AsyncDisposable {
  readonly port: number
  /** For `share.hosts`. */
  readonly host: string
  /** Passwords by role. */
  readonly passwords: ReadonlyMap<string, string>
  /** Runs statements as the superuser, or as another role. @returns the rows of the last one. */
  sql(text: string, role?: string): Promise<readonly Record<string, unknown>[]>
  /** A connection of the superuser, which its caller ends. */
  open(): Promise<pg.Client>
  /** A role that may log in, and a private file with its password. */
  createRole(
    name: string,
    password?: string,
  ): Promise<{ readonly passwordFile: string; readonly password: string }>
  /** The private file with the password of a role. */
  passwordFileOf(role: string): Promise<string>
  start(): Promise<void>
  /** `immediate` is as good as a kill. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** From the next connection on. */
  useTls(tls: PostgresTls): Promise<void>
  /** A standby that follows it by streaming, started. */
  createStandby(): Promise<Postgres>
}

export interface PostgresOptions {
  /** Where it runs; on this host's loopback, if left out. */
  readonly place?: PostgresPlace
  /** What it shows to those who come over TLS. */
  readonly tls?: PostgresTls
}

interface PostgresTls {
  readonly key: string
  readonly cert: string
  /** Has the roles of keepers and readers show a certificate of this authority, in place of a password. */
  readonly clientCa?: string
}

interface PostgresPlace {
  readonly address: string
  /** A command that runs another one in its own place, there. */
  readonly under: readonly string[]
}

const HERE: PostgresPlace = { address: '127.0.0.1', under: [] }

export async function startPostgres({
  place = HERE,
  tls,
}: PostgresOptions = {}): Promise<Postgres> {
  // Those of another cluster, which may get this port, are others.
  const passwords = new Map([[SUPERUSER, newPassword()]])
  const cluster = await createCluster(passwords, place)
  const passwordFile = join(cluster.directory, 'superuser')
  await writeFile(passwordFile, passwords.get(SUPERUSER) ?? '')
  await giveToOwner(passwordFile)
  await runProgram('initdb', [
    ...['-D', cluster.data, '-U', SUPERUSER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
    ...['-N', '--no-instructions', '-E', 'UTF8', '--locale=C'],
  ])
  const postgres = toPostgres(cluster)
  await configure(cluster)
  if (place !== HERE) await appendFile(join(cluster.data, 'pg_hba.conf'), HBA_OF_OTHERS)
  if (tls) await configureTls(cluster, tls)
  await postgres.start()
  await sqlOn(cluster, `CREATE DATABASE ${DATABASE}`, SUPERUSER, 'postgres')
  return postgres
}

/** Password for everyone who comes from another host, as from this one. */
const HBA_OF_OTHERS = 'host all all all scram-sha-256\n'

interface Cluster {
  readonly place: PostgresPlace
  readonly directory: string
  readonly data: string
  readonly port: number
  readonly passwords: Map<string, string>
}

async function createCluster(
  passwords: Map<string, string>,
  place: PostgresPlace,
): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-pg-'))
  const data = join(directory, 'data')
  await mkdir(data)
  await chmod(data, 0o700)
  await giveToOwner(directory)
  await giveToOwner(data)
  return { place, directory, data, port: await freePort(), passwords }
}

async function configure({ place, directory, data, port }: Cluster): Promise<void> {
  const settings = [
    `port = ${port}`,
    `listen_addresses = '${place.address}'`,
    `unix_socket_directories = '${directory}'`,
    // What a crash of the machine would lose is not what is tested.
    'fsync = off',
  ]
  await appendFile(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
}

async function configureTls(
  { data }: Cluster,
  { key, cert, clientCa }: PostgresTls,
): Promise<void> {
  const files = { 'server.key': key, 'server.crt': cert, ...(clientCa && { 'ca.crt': clientCa }) }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(data, name), content, { mode: 0o600 })
    await giveToOwner(join(data, name))
  }
  const settings = ['ssl = on', ...(clientCa ? ["ssl_ca_file = 'ca.crt'"] : [])]
  await appendFile(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
  if (!clientCa) return
  const hba = join(data, 'pg_hba.conf')
  const others = await readFile(hba, 'utf8')
  await writeFile(
    hba,
    `host all ${SUPERUSER} all scram-sha-256\nhostssl all all all cert\n${others}`,
  )
}

async function createStandby(primary: Cluster): Promise<Postgres> {
  const cluster = await createCluster(primary.passwords, HERE)
  const from = ['-h', primary.place.address, '-p', String(primary.port), '-U', SUPERUSER]
  // With -R it begins as a standby of the primary, and knows how to log in there.
  const args = ['-D', cluster.data, '-R', '-c', 'fast', ...from]
  await runProgram('pg_basebackup', args, { PGPASSWORD: primary.passwords.get(SUPERUSER) ?? '' })
  await configure(cluster)
  const standby = toPostgres(cluster)
  await standby.start()
  return standby
}

function toPostgres(cluster: Cluster): Postgres {
  const { place, directory, data, port, passwords } = cluster
  let server: ChildProcess | undefined
  const postgres: Postgres = {
    port,
    host: `${place.address}:${port}`,
    passwords,
    sql: (text, role = SUPERUSER) => sqlOn(cluster, text, role, DATABASE),
    open: () => openOn(cluster, SUPERUSER, DATABASE),
    async createRole(name, password = newPassword()) {
      passwords.set(name, password)
      await postgres.sql(`CREATE ROLE "${name}" LOGIN PASSWORD '${password}'`)
      return { passwordFile: await postgres.passwordFileOf(name), password }
    },
    async passwordFileOf(role) {
      const file = join(directory, `${role}-password`)
      await writeFile(file, passwords.get(role) ?? '', { mode: 0o600 })
      return file
    },
    async start() {
      const started = startProgram(place, 'postgres', ['-D', data])
      server = started
      await until('PostgreSQL answers', () => {
        if (started.exitCode !== null) throw new Error('PostgreSQL does not start')
        return sqlOn(cluster, 'SELECT 1', SUPERUSER, 'postgres').then(
          () => true,
          () => false,
        )
      })
    },
    async stop(mode) {
      if (server?.exitCode !== null || server.signalCode !== null) return
      const ended = once(server, 'exit')
      // As pg_ctl(1) has it.
      server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      server.kill('SIGCONT')
      await ended
    },
    signal(signal) {
      server?.kill(signal)
    },
    async useTls(tls) {
      await configureTls(cluster, tls)
      await postgres.sql('SELECT pg_reload_conf()')
    },
    createStandby: () => createStandby(cluster),
    async [Symbol.asyncDispose]() {
      await postgres.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
  return postgres
}

async function openOn({ place, port, passwords }: Cluster, role: string, database: string) {
  const password = passwords.get(role) ?? ''
  const client = new pg.Client({ host: place.address, port, user: role, password, database })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function sqlOn(cluster: Cluster, text: string, role: string, database: string) {
  const client = await openOn(cluster, role, database)
  try {
    const result: unknown = await client.query(text)
    const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult
    return last.rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

function newPassword(): string {
  return randomBytes(12).toString('hex')
}

/** PostgreSQL refuses to run as root. */
function asOwner(): { readonly uid?: number; readonly gid?: number } {
  const uid = isRoot() ? userId('postgres') : undefined
  return uid === undefined ? {} : { uid, gid: uid }
}

async function giveToOwner(path: string): Promise<void> {
  const { uid } = asOwner()
  if (uid !== undefined) await chown(path, uid, uid)
}

async function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const options = { ...asOwner(), cwd: '/', env: { ...process.env, ...env } }
  await run(join(BIN ?? '', program), args, options)
}

/** Not as root, and in the place of what brings it there: a signal gets to it. */
function startProgram({ under }: PostgresPlace, program: string, args: readonly string[]) {
  const path = join(BIN ?? '', program)
  const options = { cwd: '/', stdio: 'ignore' } as const
  const [command, ...words] = under
  if (command === undefined) return spawn(path, args, { ...asOwner(), ...options })
  const { uid } = asOwner()
  const drop =
    uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  return spawn(command, [...words, ...drop, path, ...args], options)
}

/** Those of the newest version here, or in the directory that the environment names: another version. */
function binaries(): string | undefined {
  const named = process.env.EVO_TOKEN_POSTGRES_BIN
  if (named !== undefined) return named
  if (!existsSync(VERSIONS)) return undefined
  const newest = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0]
  const bin = newest === undefined ? undefined : join(VERSIONS, newest, 'bin')
  return bin !== undefined && existsSync(join(bin, 'postgres')) ? bin : undefined
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function userId(name: string): number | undefined {
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : undefined
}
