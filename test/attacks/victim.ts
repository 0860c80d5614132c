/** Who is attacked: a daemon, its authorization server, and how everything stands. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import {
  CLIENTS,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { createHome, type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { createPerson } from '../support/person.ts'

export const APP = 'evo-me'
export const SCOPES = ['evo.discovery', 'evo.workspace', 'offline_access']

export interface Victim extends AsyncDisposable {
  readonly daemon: DaemonProcess
  readonly server: RunningAuthorizationServer
  /** What no other user may get. */
  readonly accessKey: string
  /** Everything that an attack could have changed. */
  standing(): Promise<object>
  startSignIn(app?: string): Promise<StartedSignIn>
  /** What the server sends a person back to the redirect URI with who has signed in there. */
  callbackOf(login: string, authorizationUrl: string): Promise<string>
}

export interface StartedSignIn {
  readonly openUrl: string
  readonly authorizationUrl: string
  readonly state: string
  /** How it goes: waits for its end, if it is told to. */
  readonly status: (wait?: 'wait') => Promise<Readonly<Record<string, unknown>>>
  /** What the daemon answered when it started. */
  readonly answer: Readonly<Record<string, unknown>>
  /** Pastes the address that a browser ended on. */
  readonly paste: (url: string) => Promise<Readonly<Record<string, unknown>>>
  /** Resolves with the status of the answer. */
  readonly giveUp: () => Promise<number>
}

export interface VictimOptions {
  readonly redirectUri: string
  readonly moreApps?: object
}

export async function startVictim({ redirectUri, moreApps }: VictimOptions): Promise<Victim> {
  const server = await startAuthorizationServer({ redirectUris: [redirectUri] })
  const { issuer } = server
  const home = await createHome({
    issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: { [APP]: nativeApp(issuer, redirectUri), ...moreApps },
  })
  const daemon = await startDaemonProcess(home)
  const { socket } = daemon
  return {
    daemon,
    server,
    accessKey: (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim(),
    async standing() {
      const [apps, callers] = await Promise.all([
        ask(socket, '/v1/apps'),
        ask(socket, '/v1/callers'),
      ])
      return { apps, callers, families: server.liveFamilies(), asked: server.requests.length }
    },
    async startSignIn(app = APP) {
      const { body } = await ask(socket, `/v1/apps/${app}/login`, 'POST')
      const authorizationUrl = String(body.authorization_url)
      const path = `/v1/apps/${app}/login/${String(body.id)}`
      return {
        answer: body,
        paste: async (url) => (await ask(socket, `${path}/callback`, 'POST', { url })).body,
        giveUp: async () => (await ask(socket, path, 'DELETE')).status,
        openUrl: String(body.open_url),
        authorizationUrl,
        state: new URL(authorizationUrl).searchParams.get('state') ?? '',
        status: async (wait) => {
          return (await ask(socket, `${path}?wait=${wait ? 25 : 0}`)).body
        },
      }
    },
    async callbackOf(login, authorizationUrl) {
      const { url } = await createPerson(login).visit(authorizationUrl, { stopAt: redirectUri })
      return url
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop('SIGKILL')
      await server.close()
      await home.remove()
    },
  }
}

/** What proves that an attack has changed nothing: a person signs in after it, by the same link. */
export async function completesAsAda({ openUrl, status }: StartedSignIn): Promise<void> {
  expect((await createPerson('ada').visit(openUrl)).text).toContain('Signed in')
  expect(await status('wait')).toMatchObject({ status: 'succeeded', subject: 'ada@example.com' })
}

export function nativeApp(issuer: string, redirectUri: string) {
  return {
    type: 'native',
    issuer,
    clientId: CLIENTS.native.clientId,
    redirectUris: [redirectUri],
    scopes: SCOPES,
  }
}

export async function newRedirectUri(): Promise<string> {
  return `http://localhost:${await freePort()}/signin-callback`
}
