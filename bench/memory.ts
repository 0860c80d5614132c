/** Resident memory of the daemon beside a bare server: idle, and after 100,000 tokens were handed out. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { aim } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const REQUESTS = 100_000
const STEPS = 4
const CONNECTIONS = 16
const PATH = '/v1/apps/app-1/token'

interface Served {
  readonly pid: number
  readonly url: string
}

export async function benchMemory(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using daemon = await startQuietDaemon(home)
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
  const body = await (
    await fetch(`${daemon.url}${PATH}`, { headers: { authorization: `Bearer ${key}` } })
  ).text()
  const child = fork(join(import.meta.dirname, 'bare-server.js'), { stdio: 'inherit' })
  try {
    const answered = once(child, 'message') as Promise<[{ port: number }]>
    child.send({ key, body })
    const [{ port }] = await answered
    const bare = await measure({ pid: child.pid ?? 0, url: `http://127.0.0.1:${port}` }, key)
    const ours = await measure(daemon, key)
    console.log('resident memory, idle, and after each 25,000 requests:')
    console.log(`  bare node:http  ${bare.join(', ')} MiB`)
    console.log(`  the daemon      ${ours.join(', ')} MiB`)
    aim('idle to the bare server', (ours[0] ?? 0) / (bare[0] ?? 1), { atMost: 1.4 })
    aim('after 100,000 requests', (ours.at(-1) ?? 0) / (bare.at(-1) ?? 1), { atMost: 1.3 })
  } finally {
    child.kill()
  }
}

/** Idle, then after each step, in MiB. */
async function measure({ pid, url }: Served, key: string): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const headers = { authorization: `Bearer ${key}` }
  const get = () =>
    new Promise<void>((resolve, reject) => {
      request(`${url}${PATH}`, { agent, headers }, (answer) => {
        answer.resume().once('end', resolve)
        if (answer.statusCode !== 200) reject(new Error(`status ${String(answer.statusCode)}`))
      })
        .once('error', reject)
        .end()
    })
  const seen = [await residentMiB(pid)]
  for (let step = 0; step < STEPS; step++) {
    let left = REQUESTS / STEPS
    const worker = async () => {
      while (left-- > 0) await get()
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, worker))
    seen.push(await residentMiB(pid))
  }
  agent.destroy()
  return seen
}

export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024)
}
