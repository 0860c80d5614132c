/** Waits until the daemon of the service answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SidecarError } from '../../errors.ts'
import { createClient } from '../../client/connection.ts'
import { type Connection, openSocket, exchange } from '../../client/wire.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'

const READY_WITHIN_MS = 60_000
const READINESS_POLL_MS = 200

/** Resolves with a sentence about the apps. @throws {SidecarError} `failed` after a minute, with the last lines of the log. */
export async function waitUntilServing(manager: ServiceManager): Promise<string> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline) {
    const { phase } = await manager.state()
    if (phase === 'failed') break
    const apps = phase === 'running' ? await fetchReadiness(manager) : undefined
    if (apps) return describeReadiness(apps)
    await sleep(READINESS_POLL_MS)
  }
  const said = (await manager.lastLog()).trim()
  throw new SidecarError(
    'failed',
    `The service does not answer.${said && ` Its log says:\n${said}`}`,
    {
      hint: `See \`${manager.logCommand}\`.`,
    },
  )
}

/** Which apps are ready, as the daemon says; undefined where none answers. */
export async function fetchReadiness(
  manager: ServiceManager,
): Promise<Record<string, { ready: boolean }> | undefined> {
  const connection = await connectToService(manager)
  if (!connection) return undefined
  const answer = await exchange(connection, { path: '/readyz', timeoutMs: 5_000 })
  const json = typeof answer === 'string' ? undefined : answer.json
  return typeof json?.ready === 'boolean'
    ? (json.apps as Record<string, { ready: boolean }>)
    : undefined
}

async function connectToService({
  socket,
  stateDir,
}: ServiceManager): Promise<Connection | undefined> {
  if (socket === undefined) {
    const client = createClient({ env: {}, stateDir, ownerOnly: true })
    // It has not started yet, or has stopped.
    return client.open().catch(() => undefined)
  }
  const opened = await openSocket({ path: socket })
  if (typeof opened === 'string') return undefined
  return { socket: opened, headers: { Host: 'localhost' }, place: socket }
}

export function describeReadiness(apps: Record<string, { ready: boolean }>): string {
  const waiting = Object.keys(apps).filter((app) => !apps[app]?.ready)
  const rest =
    waiting.length > 0 ? ` Not ready yet: ${waiting.join(', ')} (\`evo-token status\`).` : ''
  return `The service runs and answers.${rest}\n`
}
