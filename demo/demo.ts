/**
 * `npm run demo`: a real authorization server and a real daemon on this machine's loopback, two
 * apps whose tokens are renewed before your eyes, and the lines to get them in another terminal.
 * `--once` waits until each was renewed in the background, says so, and ends; `--hosts` shows a
 * session that several hosts share.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../test/support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../test/support/daemon-process.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPerson } from '../test/support/person.ts'
import { showHosts } from './hosts.ts'
import { pasteLines } from './paste-lines.ts'
import { createScreen, type Row } from './screen.ts'
import { ownerJson } from './owner.ts'

const APPS = ['demo-me', 'demo-pipeline'] as const

const onceOnly = process.argv.includes('--once')

process.exitCode = process.argv.includes('--hosts') ? await showHosts() : await main()

async function main(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted.abort()
    })
  }
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  await using server = await startAuthorizationServer({
    accessTokenTtlS: onceOnly ? 12 : 60,
    redirectUris: [redirectUri],
  })
  await using home = await createHome(configFor(server, redirectUri))
  await using daemon = await startDaemonProcess(home)
  try {
    await signIn(server, home, daemon)
    process.stdout.write(
      onceOnly ? '' : `${pasteLines({ home, daemon, app: 'demo-me' })}\n\nCtrl-C ends it.\n\n`,
    )
    if (onceOnly) await showRenewals(server, daemon, interrupted.signal)
    else await showLive(server, daemon, interrupted.signal)
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
  } finally {
    await daemon.stop('SIGTERM')
  }
  return interrupted.signal.aborted && onceOnly ? 130 : 0
}

function configFor(server: RunningAuthorizationServer, redirectUri: string) {
  const scopes = ['evo.discovery', 'evo.workspace']
  const { native, service } = server.clients
  return {
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: {
      'demo-me': {
        type: 'native',
        clientId: native.clientId,
        redirectUris: [redirectUri],
        scopes: [...scopes, 'offline_access'],
      },
      'demo-pipeline': { type: 'service', clientId: service.clientId, scopes },
    },
  }
}

/** What a person does once: stores the secret of the service app, and signs in to the other. */
async function signIn(
  server: RunningAuthorizationServer,
  home: Home,
  daemon: DaemonProcess,
): Promise<void> {
  const secret = await runCli(home, ['secret', 'demo-pipeline'], {
    input: `${server.clients.service.clientSecret}\n`,
  })
  if (secret.code !== 0) throw new Error(secret.stderr)
  const started = await ownerJson(daemon.socket, 'POST', '/v1/apps/demo-me/login')
  const page = await createPerson('ada').visit(String(started.open_url))
  if (page.status !== 200) throw new Error(`the sign-in failed: ${page.text}`)
}

async function showLive(
  server: RunningAuthorizationServer,
  daemon: DaemonProcess,
  signal: AbortSignal,
): Promise<void> {
  const screen = createScreen(process.stdout)
  for (;;) {
    screen.show(await rowsOf(server, daemon))
    await sleep(1_000, undefined, { signal })
  }
}

async function showRenewals(
  server: RunningAuthorizationServer,
  daemon: DaemonProcess,
  signal: AbortSignal,
): Promise<void> {
  const before = await rowsOf(server, daemon)
  process.stdout.write('Tokens live for 12 s. Waiting until each was renewed in the background …\n')
  for (;;) {
    const after = await rowsOf(server, daemon)
    const changed = after.every(({ fingerprint }, at) => fingerprint !== before[at]?.fingerprint)
    if (changed) {
      for (const [at, { app, fingerprint, refreshes }] of after.entries()) {
        const was = before[at]?.fingerprint ?? ''
        process.stdout.write(
          `${app.padEnd(14)} ${was} -> ${fingerprint} (refreshes so far: ${refreshes})\n`,
        )
      }
      return
    }
    await sleep(250, undefined, { signal })
  }
}

async function rowsOf(server: RunningAuthorizationServer, daemon: DaemonProcess): Promise<Row[]> {
  const { clients } = server
  const requests = {
    'demo-me': server.count('refresh_token', clients.native.clientId),
    // The first of a service app's requests is no refresh.
    'demo-pipeline': server.count('client_credentials', clients.service.clientId) - 1,
  }
  return Promise.all(
    APPS.map(async (app) => {
      const status = await ownerJson(daemon.socket, 'GET', `/v1/apps/${app}`)
      const leftMs = Date.parse(String(status.expires_at)) - Date.now()
      return {
        app,
        type: String(status.type),
        fingerprint: String(status.fingerprint),
        secondsLeft: Math.max(0, Math.round(leftMs / 1000)),
        refreshes: requests[app],
      }
    }),
  )
}
