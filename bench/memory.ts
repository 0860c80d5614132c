/** Resident memory of the daemon: idle, and after 100,000 tokens were handed out. */
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const REQUESTS = 100_000
const STEPS = 4
const CONNECTIONS = 16

export async function benchMemory(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using daemon = await startQuietDaemon(home)
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const headers = { authorization: `Bearer ${key}` }
  const get = () =>
    new Promise<void>((resolve, reject) => {
      request(`${daemon.url}/v1/apps/app-1/token`, { agent, headers }, (answer) => {
        answer.resume().once('end', resolve)
        if (answer.statusCode !== 200) reject(new Error(`status ${String(answer.statusCode)}`))
      })
        .once('error', reject)
        .end()
    })
  const idle = await residentMiB(daemon.pid)
  const seen: number[] = []
  for (let step = 0; step < STEPS; step++) {
    let left = REQUESTS / STEPS
    const worker = async () => {
      while (left-- > 0) await get()
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, worker))
    seen.push(await residentMiB(daemon.pid))
  }
  agent.destroy()
  console.log('resident memory of the daemon:')
  console.log(`  idle ${idle} MiB; after each ${REQUESTS / STEPS} requests ${seen.join(', ')} MiB`)
}

export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024)
}
