/**
 * What good callers feel of an attacker without a key: their p99 beside the quiet one
 * of the same round, and the memory of the daemon afterwards.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Abuse, type AbuseOrder, ABUSES, type Done } from './abuses.ts'
import { median, ratio } from './figures.ts'
import type { Load, Round } from './load.ts'
import { residentMiB } from './memory.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 3
const BAD_KEYS = 100_000

interface Figures {
  readonly quiet: number
  readonly p99: number
  readonly done: number
  readonly memory: number
}

/** @param abuses all, or some by name: `node build/bench/abuse.js '10 MB bodies'`. */
export async function benchAbuse(abuses: readonly Abuse[] = ABUSES): Promise<void> {
  await using home = await homeWithSessions(1)
  await using daemon = await startQuietDaemon(home)
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
  const port = Number(new URL(daemon.url).port)
  const callers = fork(join(import.meta.dirname, 'good-callers.js'), { stdio: 'inherit' })
  const load: Load = { port, path: '/v1/apps/app-1/token', key }
  const measured = new Map<Abuse, Figures[]>(abuses.map((abuse) => [abuse, []]))
  try {
    // The first round warms up.
    await ask<Round>(callers, load)
    const idle = await residentMiB(daemon.pid)
    for (let round = 0; round < ROUNDS; round++) {
      for (const abuse of abuses) {
        const quiet = await ask<Round>(callers, load)
        const abuser = await startAbuser({ abuse, port })
        const abused = await ask<Round>(callers, load)
        const memory = await residentMiB(daemon.pid)
        const { done } = await ask<Done>(abuser, 'stop')
        measured.get(abuse)?.push({ quiet: quiet.p99, p99: abused.p99, done, memory })
      }
    }
    report(measured)
    const abuser = await startAbuser({ abuse: 'bad keys', port, until: BAD_KEYS })
    await ask<Done>(abuser, 'stop')
    const lines = (await readFile(join(home.directory, 'log'), 'utf8')).split('\n')
    const warnings = lines.filter((line) => line.includes('"level":"warn"'))
    console.log(
      `  resident memory ${idle} MiB before, ${await residentMiB(daemon.pid)} MiB after all that and ` +
        `${BAD_KEYS} more bad keys; ${warnings.length} warnings in the log`,
    )
  } finally {
    callers.kill()
  }
}

/** Resolves when the abuse is going on. */
async function startAbuser(order: AbuseOrder): Promise<ChildProcess> {
  const abuser = fork(join(import.meta.dirname, 'abuser.js'), { stdio: 'inherit' })
  await ask<Done>(abuser, order)
  return abuser
}

function report(measured: ReadonlyMap<Abuse, readonly Figures[]>): void {
  console.log(`p99 of good callers under abuse, medians of ${ROUNDS} rounds:`)
  for (const [abuse, rounds] of measured) {
    const figure = (pick: keyof Figures) => median(rounds.map((round) => round[pick]))
    const times = median(rounds.map(({ p99, quiet }) => p99 / quiet))
    console.log(
      `  ${abuse.padEnd(18)}  quiet ${figure('quiet').toFixed(1)} ms, abused ${figure('p99').toFixed(1)} ms: ` +
        `ratio ${ratio(times, 1)} (aim: at most 5)  ${figure('memory')} MiB  ${figure('done')} times a round`,
    )
  }
}

async function ask<Answer>(child: ChildProcess, order: object | string): Promise<Answer> {
  const answered = new AbortController()
  const { signal } = answered
  child.send(order)
  const gone = once(child, 'exit', { signal }).then(() => {
    throw new Error('a child of the bench ended before it answered')
  })
  const message = once(child, 'message', { signal }) as Promise<[Answer]>
  try {
    const [answer] = await Promise.race([message, gone])
    return answer
  } finally {
    // The other one rejects, and nothing waits for it any more.
    gone.catch(() => undefined)
    message.catch(() => undefined)
    answered.abort()
  }
}

if (process.argv[1] === import.meta.filename) {
  const named = ABUSES.filter((abuse) => process.argv.includes(abuse))
  await benchAbuse(named.length > 0 ? named : ABUSES)
}
