/** What the tests of clients and of the examples stand on: a daemon, its server, and the Evo APIs. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from './daemon-process.ts'
import { type EvoApi, startEvoApi } from './evo-api.ts'
import { freePort } from './free-port.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** The Python of a virtual environment that has `clients/python/requirements-test.txt`. */
const PYTHON = process.env.EVO_TOKEN_PYTHON ?? ''

/** Why the adapters cannot be tested here; undefined where they can. */
export function noAdapters(): string | undefined {
  if (!PYTHON) return 'EVO_TOKEN_PYTHON names no Python with clients/python/requirements-test.txt'
  const { status } = spawnSync(PYTHON, ['-c', 'import evo.aio, httpx, requests, nbclient'])
  return status === 0
    ? undefined
    : `${PYTHON} has not what clients/python/requirements-test.txt says`
}

export interface EvoWorld extends AsyncDisposable {
  readonly server: RunningAuthorizationServer
  readonly home: Home
  readonly api: EvoApi
  readonly env: NodeJS.ProcessEnv
  /** Where its daemon serves callers with a key. */
  url(): string
  restart(): Promise<void>
  python(...args: readonly string[]): ReturnType<typeof spawn>
}

/** A service app "pipeline" that has its secret, and a native app "me" that is not signed in. */
export async function startEvoWorld(accessTokenTtlS: number): Promise<EvoWorld> {
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  const server = await startAuthorizationServer({ accessTokenTtlS, redirectUris: [redirectUri] })
  const api = await startEvoApi({ issuer: server.issuer })
  const { clientId, clientSecret } = server.clients.service
  const scopes = ['evo.discovery', 'evo.workspace']
  const home = await createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: {
      pipeline: { type: 'service', clientId, scopes },
      me: {
        type: 'native',
        clientId: server.clients.native.clientId,
        redirectUris: [redirectUri],
        scopes,
      },
    },
  })
  let daemon: DaemonProcess = await startDaemonProcess(home)
  const stored = await runCli(home, ['secret', 'pipeline'], { input: clientSecret })
  expect(stored).toMatchObject({ code: 0 })
  const env = {
    ...home.env,
    PYTHONPATH: join(ROOT, 'clients/python/src'),
    PYTHONDONTWRITEBYTECODE: '1',
    EVO_TOKEN_APP: 'pipeline',
    EVO_DISCOVERY_URL: api.url,
  }
  return {
    server,
    home,
    api,
    env,
    url: () => daemon.url,
    async restart() {
      await daemon.stop()
      daemon = await startDaemonProcess(home)
    },
    python: (...args) => spawn(PYTHON, args, { env, cwd: ROOT }),
    async [Symbol.asyncDispose]() {
      await daemon.stop()
      await home.remove()
      await api[Symbol.asyncDispose]()
      await server.close()
    },
  }
}
