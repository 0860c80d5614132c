/**
 * Kills of the daemon on Windows around a refresh that rotates: before the server has acted, and as soon as
 * the new token is served, which is after it was stored. None of them may cost the session.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { freePort } from '../support/free-port.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import {
  startWindows,
  startWindowsDaemon,
  type Windows,
  type WindowsDaemon,
} from '../support/wine.ts'

const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const STATE = String.raw`C:\users\root\AppData\Local\evo-token`

export interface WindowsKills {
  readonly kills: number
  /** Sessions that did not outlive a kill. */
  readonly lost: number
  /** How often the server has rotated the refresh token. */
  readonly rotations: number
}

export async function killOnWindows(times: number): Promise<WindowsKills> {
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
  await using windows = await startWindows()
  const { clientId } = server.clients.native
  const scopes = ['evo.discovery', 'offline_access']
  const config = {
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: { me: { type: 'native', clientId, redirectUris: [redirectUri], scopes } },
  }
  await mkdir(dirname(windows.local(CONFIG)), { recursive: true })
  await writeFile(windows.local(CONFIG), JSON.stringify(config))
  const first = await startWindowsDaemon(windows)
  await signIn(windows)
  first.program.child.kill('SIGKILL')
  await first.program.ended()

  let lost = 0
  for (let kill = 0; kill < times; kill++) {
    const daemon = await startWindowsDaemon(windows)
    if (kill % 2 === 0) {
      const reached = new Promise<void>((resolve) => {
        server.intercept = async () => {
          daemon.program.child.kill('SIGKILL')
          await daemon.program.ended()
          resolve()
          return 'cut'
        }
      })
      // It ends with the daemon.
      const asked = refresh(windows, daemon).catch(() => undefined)
      await Promise.all([reached, asked])
      server.intercept = (_request, act) => act()
    } else {
      if ((await refresh(windows, daemon)) !== 200) lost += 1
      daemon.program.child.kill('SIGKILL')
      await daemon.program.ended()
    }
  }
  const daemon = await startWindowsDaemon(windows)
  if ((await refresh(windows, daemon)) !== 200) lost += 1
  const [family] = server.liveFamilies(clientId)
  return { kills: times, lost: family ? lost : lost + 1, rotations: family?.generation ?? 0 }
}

/** Signs ada in to the app `me`. */
export async function signIn(windows: Windows): Promise<void> {
  const login = await windows.start(['login', 'me', '--no-browser'])
  const link = await until(
    'the link is printed',
    () => /https?:\/\/\S+(?=\s)/.exec(login.stdout() + login.stderr())?.[0] ?? '',
    (text) => text !== '',
  )
  await createPerson('ada').visit(link)
  await login.ended()
}

/** The status of the answer. */
export async function refresh(windows: Windows, { url }: WindowsDaemon): Promise<number> {
  const key = readFileSync(windows.local(`${STATE}\\access-key`), 'utf8').trim()
  const headers = { authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/v1/apps/me/refresh`, { method: 'POST', headers })
  await answer.arrayBuffer()
  return answer.status
}
