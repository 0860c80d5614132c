/** A PostgreSQL of its own: a cluster in a temporary directory, on a free port of loopback, not as root. */
import { execFile, spawn, type ChildProcess, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { appendFile, chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

/** Debian keeps each major version below its own directory. */
const VERSIONS = '/usr/lib/postgresql'

const BIN = binaries()

/** Why a test with a PostgreSQL cannot run; undefined where it can. */
export function noPostgres(): string | undefined {
  if (BIN === undefined) return 'not installed: postgresql'
  return isRoot() && userId('postgres') === undefined ? 'there is no user postgres' : undefined
}

export interface Postgres extends AsyncDisposable {
  readonly port: number
  /** For `share.hosts`. */
  readonly host: string
  /** Runs statements as the superuser, or as another role. @returns the rows of the last one. */
  sql(text: string, role?: string): Promise<readonly Record<string, unknown>[]>
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
}

export const DATABASE = 'evo_token'

export async function startPostgres(): Promise<Postgres> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-pg-'))
  const data = join(directory, 'data')
  const port = await freePort()
  // Those of another cluster, which may get this port, are others.
  const newPassword = () => randomBytes(12).toString('hex')
  const superPassword = newPassword()
  await mkdir(data)
  const passwordFile = join(directory, 'super')
  await writeFile(passwordFile, superPassword)
  const owner = isRoot() ? userId('postgres') : undefined
  if (owner !== undefined) {
    for (const path of [directory, data, passwordFile]) await chown(path, owner, owner)
  }
  await chmod(data, 0o700)
  await asOwner(owner, 'initdb', [
    ...['-D', data, '-U', 'super', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
    ...['-N', '--no-instructions', '-E', 'UTF8', '--locale=C'],
  ])
  const settings = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${directory}'`,
    // What a crash of the machine would lose is not what is tested.
    'fsync = off',
  ]
  await appendFile(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
  let server: ChildProcess | undefined
  const passwords = new Map([['super', superPassword]])

  async function sql(text: string, role = 'super', database = DATABASE) {
    const password = passwords.get(role) ?? ''
    const client = new pg.Client({ host: '127.0.0.1', port, user: role, password, database })
    client.on('error', () => undefined)
    await client.connect()
    try {
      const result: unknown = await client.query(text)
      const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult
      return last.rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }

  const postgres: Postgres = {
    port,
    host: `127.0.0.1:${port}`,
    sql,
    async createRole(name, password = newPassword()) {
      passwords.set(name, password)
      await sql(`CREATE ROLE "${name}" LOGIN PASSWORD '${password}'`)
      return { passwordFile: await postgres.passwordFileOf(name), password }
    },
    async passwordFileOf(role) {
      const file = join(directory, `${role}-password`)
      await writeFile(file, passwords.get(role) ?? '', { mode: 0o600 })
      return file
    },
    async start() {
      server = spawnAsOwner(owner, 'postgres', ['-D', data])
      for (;;) {
        const answers = await sql('SELECT 1', 'super', 'postgres').then(
          () => true,
          () => false,
        )
        if (answers) return
        if (server.exitCode !== null) throw new Error('PostgreSQL does not start')
      }
    },
    async stop(mode) {
      const ended = server && server.exitCode === null ? once(server, 'exit') : undefined
      // As pg_ctl(1) has it.
      server?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await ended
    },
    signal(signal) {
      server?.kill(signal)
    },
    async [Symbol.asyncDispose]() {
      await postgres.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
  await postgres.start()
  await sql(`CREATE DATABASE ${DATABASE}`, 'super', 'postgres')
  return postgres
}

function spawnAsOwner(owner: number | undefined, program: string, args: readonly string[]) {
  const as = owner === undefined ? {} : { uid: owner, gid: owner }
  return spawn(join(BIN ?? '', program), args, { ...as, cwd: '/', stdio: 'ignore' })
}

async function asOwner(owner: number | undefined, program: string, args: readonly string[]) {
  const as = owner === undefined ? {} : { uid: owner, gid: owner }
  await run(join(BIN ?? '', program), args, { ...as, cwd: '/' })
}

function binaries(): string | undefined {
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
