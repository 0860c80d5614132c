/**
 * Clients that ask for a token all the time, each the next as soon as it has the last one, while a
 * command is run again and again. A process of its own, for a busy test would be a client that dawdles.
 *
 * Arguments: the URL for callers, the file of their key, the owner socket, the app, how often, and the
 * command. Prints, as JSON, how many answers each client had, and what else than a token came.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, get, type RequestOptions } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Pool } from 'undici'

export interface LoadReport {
  readonly answers: Readonly<Record<string, number>>
  readonly errors: readonly string[]
}

interface Answer {
  readonly status: number
  readonly body: string
}

const [url = '', keyFile = '', socketPath = '', app = '', times = '', ...command] =
  process.argv.slice(2)
const path = `/v1/apps/${app}/token`
const headers = { authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}` }
const { port } = new URL(url)

function byHttp(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ path, ...options }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, body })
      }, reject)
    }).on('error', reject)
  })
}

function byUndici(pool: Pool, headers: Record<string, string> = {}) {
  return async (): Promise<Answer> => {
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
    return { status: statusCode, body: await body.text() }
  }
}

/** Three connections each, where they are kept. */
const connections = 3
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const tcp = { host: '127.0.0.1', port, headers }
const pools = {
  tcp: new Pool(`http://[::1]:${port}`, { connections }),
  owner: new Pool('http://localhost', { connections, socketPath }),
}
const clients: Record<string, () => Promise<Answer>> = {
  'kept TCP, node:http': () => byHttp({ ...tcp, agent }),
  'kept TCP, undici': byUndici(pools.tcp, headers),
  'kept socket, node:http': () => byHttp({ socketPath, agent }),
  'kept socket, undici': byUndici(pools.owner),
  'new TCP': () => byHttp({ ...tcp, agent: false }),
  'new TCP, the other family': () => byHttp({ ...tcp, host: '::1', agent: false }),
  'new socket': () => byHttp({ socketPath, agent: false }),
}

const answers = Object.fromEntries(Object.keys(clients).map((name) => [name, 0]))
const errors: string[] = []
let over = false

async function askOn(name: string, ask: () => Promise<Answer>): Promise<void> {
  while (!over) {
    try {
      const { status, body } = await ask()
      if (status !== 200) errors.push(`${name}: ${status} ${body}`)
    } catch (error) {
      errors.push(`${name}: ${String(error)}`)
    }
    answers[name] = (answers[name] ?? 0) + 1
  }
}

/** Each connection is in use, then: no caller has been left waiting. */
async function allAnsweredAgain(): Promise<void> {
  const before = { ...answers }
  const behind = () =>
    Object.keys(clients).some((name) => (answers[name] ?? 0) < (before[name] ?? 0) + connections)
  while (behind()) await sleep(10)
}

const asking = Object.entries(clients).flatMap(([name, ask]) =>
  Array.from({ length: connections }, () => askOn(name, ask)),
)
for (let done = 0; done < Number(times); done += 1) {
  await allAnsweredAgain()
  await promisify(execFile)(command[0] ?? '', command.slice(1))
}
await allAnsweredAgain()
over = true
await Promise.all(asking)
agent.destroy()
await Promise.all(Object.values(pools).map((pool) => pool.close()))
const report: LoadReport = { answers, errors }
process.stdout.write(JSON.stringify(report))
