/**
 * What `GET /v1/apps/{app}/token` of the real daemon costs beside a bare node:http server that
 * checks the same key and sends the same bytes: over 16 kept-alive connections, in turn. And what it
 * costs that the tokens are counted for the activity: beside the same daemon, which does not count them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../test/support/daemon-process.ts'
import { aim, median } from './figures.ts'
import type { Load, Round } from './load.ts'
import { type QuietDaemon, startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 7
const PATH = '/v1/apps/app-1/token'

interface Measured extends Round {
  readonly cpuUs: number
}

export async function benchTokenEndpoint(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using daemon = await startQuietDaemon(home)
  const key = await keyOf(home)
  await using otherHome = await homeWithSessions(1)
  await using uncounted = await startQuietDaemon(otherHome, [
    join(import.meta.dirname, 'uncounted-daemon.js'),
  ])
  const headers = { authorization: `Bearer ${key}` }
  const body = await (await fetch(`${daemon.url}${PATH}`, { headers })).text()
  const bare = fork(join(import.meta.dirname, 'bare-server.js'), { stdio: 'inherit' })
  const load = fork(join(import.meta.dirname, 'load.js'), { stdio: 'inherit' })
  try {
    const { port } = await ask<{ port: number }>(bare, { key, body })
    const servers = [
      { name: 'bare', pid: bare.pid ?? 0, port, key },
      { name: 'ours', pid: daemon.pid, port: portOf(daemon), key },
      {
        name: 'uncounted',
        pid: uncounted.pid,
        port: portOf(uncounted),
        key: await keyOf(otherHome),
      },
    ]
    const measured = new Map<string, Measured[]>(servers.map(({ name }) => [name, []]))
    // The first round of each warms up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const server of servers) {
        const before = await cpuUsOf(server.pid)
        const figures = await ask<Round>(load, {
          port: server.port,
          path: PATH,
          key: server.key,
        } satisfies Load)
        const cpuUs = ((await cpuUsOf(server.pid)) - before) / figures.requests
        if (round > 0) measured.get(server.name)?.push({ ...figures, cpuUs })
      }
    }
    report(measured)
  } finally {
    bare.kill()
    load.kill()
  }
}

function report(measured: ReadonlyMap<string, readonly Measured[]>): void {
  console.log(`GET ${PATH}, 16 kept-alive connections, medians of ${ROUNDS} rounds:`)
  const figures = [...measured].map(([name, rounds]) => {
    const figure = (pick: keyof Measured) => median(rounds.map((round) => round[pick]))
    console.log(
      `  ${name.padEnd(9)} ${figure('perSecond').toFixed(0).padStart(6)} requests/s` +
        `  p50 ${figure('p50').toFixed(2)} ms  p99 ${figure('p99').toFixed(2)} ms` +
        `  ${figure('cpuUs').toFixed(1)} µs of processor time a request`,
    )
    return { perSecond: figure('perSecond'), p99: figure('p99'), cpuUs: figure('cpuUs') }
  })
  const [bare, ours, uncounted] = figures
  if (!bare || !ours || !uncounted) throw new Error('all servers are measured')
  aim('requests to those of the bare server', ours.perSecond / bare.perSecond, { atLeast: 0.8 })
  aim('p99 to that of the bare server', ours.p99 / bare.p99, { atMost: 1.5 })
  // Three in a hundred are less than the rounds of one and the same server differ by.
  aim(
    'processor time a request to that of the daemon that counts no tokens',
    ours.cpuUs / uncounted.cpuUs,
    { atMost: 1.03 },
  )
}

async function keyOf(home: Home): Promise<string> {
  return (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
}

function portOf({ url }: QuietDaemon): number {
  return Number(new URL(url).port)
}

async function ask<Answer>(child: ChildProcess, message: object): Promise<Answer> {
  const answered = once(child, 'message') as Promise<[Answer]>
  child.send(message)
  return (await answered)[0]
}

/** User and system time of a process so far (proc(5): utime and stime, in ticks of 10 ms). */
async function cpuUsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
