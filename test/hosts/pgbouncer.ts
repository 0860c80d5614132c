/** A pgbouncer in transaction mode before a PostgreSQL. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { DATABASE, type Postgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Why it cannot run here; undefined where it can. Debian keeps it where root looks only. */
export function noPgbouncer(): string | undefined {
  return spawnSync('/usr/sbin/pgbouncer', ['--version']).status === 0
    ? undefined
    : 'not installed: pgbouncer'
}

export interface Pgbouncer extends AsyncDisposable {
  /** For `share.hosts`. */
  readonly host: string
  /** Kills it, and starts it at the same address. */
  restart(): Promise<void>
}

export async function startPgbouncer(postgres: Postgres): Promise<Pgbouncer> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-bouncer-'))
  const port = await freePort()
  const users = join(directory, 'users.txt')
  const lines = [...postgres.passwords].map(([role, password]) => `"${role}" "${password}"`)
  await writeFile(users, `${lines.join('\n')}\n`, { mode: 0o644 })
  const config = join(directory, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
${DATABASE} = host=127.0.0.1 port=${postgres.port} dbname=${DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 2
`,
  )
  spawnSync('chmod', ['755', directory])
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? ['-u', 'postgres'] : []
  let bouncer: ChildProcess
  const start = async () => {
    bouncer = spawn('/usr/sbin/pgbouncer', [...as, config], { stdio: 'ignore' })
    await until(
      'pgbouncer listens',
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(port, '127.0.0.1')
          socket.once('connect', () => {
            socket.destroy()
            resolve(true)
          })
          socket.once('error', () => {
            resolve(false)
          })
        }),
    )
  }
  const kill = async () => {
    const ended = bouncer.exitCode === null ? once(bouncer, 'exit') : undefined
    bouncer.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    host: `127.0.0.1:${port}`,
    async restart() {
      await kill()
      await start()
    },
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
