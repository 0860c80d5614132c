/** Waits until the daemon answers on its owner socket, or says why it does not. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SidecarError } from '../../errors.ts'
import { openSocket, exchange } from '../../client/wire.ts'
import type { Manager } from './manager.ts'

const WITHIN_MS = 60_000
const LOOK_MS = 200

/** @throws {SidecarError} `failed` with the last lines of the log. */
export async function waitUntilServing(manager: Manager): Promise<string> {
  const deadline = performance.now() + WITHIN_MS
  while (performance.now() < deadline) {
    const state = (name: string) => manager.run('show', '-P', name, 'evo-token.service')
    const active = (await state('ActiveState')).trim()
    const sub = (await state('SubState')).trim()
    if (active === 'failed' || sub === 'auto-restart') break
    const apps = active === 'active' ? await readiness(manager.socket) : undefined
    if (apps) return inWords(apps)
    await sleep(LOOK_MS)
  }
  const said = (await manager.journal()).trim()
  throw new SidecarError('failed', `The service does not serve.${said && ` It said:\n${said}`}`, {
    hint: `See \`${manager.journalctl}\`.`,
  })
}

/** What the daemon says of its apps; undefined where nothing of ours answers. */
export async function readiness(
  path: string,
): Promise<Record<string, { ready: boolean }> | undefined> {
  const socket = await openSocket({ path })
  if (typeof socket === 'string') return undefined
  const answer = await exchange(
    { socket, headers: { Host: 'localhost' }, place: path },
    { path: '/readyz', timeoutMs: 5_000 },
  )
  const json = typeof answer === 'string' ? undefined : answer.json
  return typeof json?.ready === 'boolean'
    ? (json.apps as Record<string, { ready: boolean }>)
    : undefined
}

export function inWords(apps: Record<string, { ready: boolean }>): string {
  const waiting = Object.keys(apps).filter((app) => !apps[app]?.ready)
  const rest =
    waiting.length > 0 ? ` Not ready yet: ${waiting.join(', ')} (\`evo-token status\`).` : ''
  return `The service runs and answers.${rest}\n`
}
