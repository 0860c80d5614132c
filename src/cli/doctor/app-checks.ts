/** Whether a person can sign in to an app, and whether the token is one as the config asks for. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { App } from '../../core/app.ts'
import { isLoopbackAddress, unbracket } from '../../core/loopback.ts'
import { Secret } from '../../secret.ts'
import { appPath, type Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { platform } from '../../platform/current.ts'
import type { Json } from '../../client/wire.ts'
import { checkFault, type Check } from './checks.ts'

export interface TokenSlot {
  token?: Secret
}

/** Puts the token into `slot`, for the checks that follow. */
export function appChecks(app: App, client: Client, slot: TokenSlot): Check[] {
  let answer: Json = {}
  const signIn: Check[] =
    app.redirectUris.length === 0
      ? []
      : [{ id: 'redirect-uri', run: () => usableRedirectUri(app, client) }]
  return [
    ...signIn,
    {
      id: 'token',
      async run() {
        answer = await client.ask({ path: appPath(app.name, '/token') })
        slot.token = new Secret(String(answer.access_token))
        return 'the daemon has one'
      },
    },
    {
      id: 'scopes',
      async run() {
        const given = typeof answer.scope === 'string' ? answer.scope.split(' ') : app.scopes
        // Granted as a refresh token, and not always named again.
        const missing = app.scopes.filter((one) => one !== 'offline_access' && !given.includes(one))
        if (missing.length === 0) return 'all that the config asks for'
        const next =
          app.type === 'service'
            ? `get a new token: \`evo-token refresh ${app.name}\``
            : `sign in again: \`evo-token login ${app.name}\``
        throw checkFault(
          `The server did not grant ${missing.join(', ')}.`,
          `Check which scopes the app has in the Developer Portal, then ${next}.`,
        )
      },
    },
    {
      id: 'life',
      async run() {
        if (answer.expires_in === null) return 'it does not end'
        const seconds = Number(answer.expires_in)
        if (seconds > 0) return `${Math.floor(seconds)} seconds are left`
        throw checkFault(
          'The token has no life left.',
          `See \`evo-token status ${app.name}\` for why it is not renewed.`,
        )
      },
    },
  ]
}

/** The browser comes back to one of them: its port has to be free at a sign-in. */
async function usableRedirectUri({ name, redirectUris }: App, client: Client): Promise<string> {
  const ours = await portsOfSignIns(name, client)
  for (const uri of redirectUris) {
    const { hostname, port, protocol } = new URL(uri)
    const hosts = hostname === 'localhost' ? ['127.0.0.1', '::1'] : [unbracket(hostname)]
    if (!hosts.every(isLoopbackAddress)) {
      return `${uri} is not on this machine: paste what it ends on`
    }
    const number = Number(port || (protocol === 'https:' ? 443 : 80))
    if (ours.includes(number)) return `the daemon answers at ${uri} now, for a sign-in`
    const free = await Promise.all(hosts.map((host) => isFree(host, number)))
    if (free.every(Boolean)) return `${uri} is free`
  }
  const { session } = await client.ask({ path: appPath(name) })
  if (session !== 'signed-out') return 'its port is taken, which matters at the next sign-in'
  const [first = ''] = redirectUris
  const command = platform.portHolderCommand(Number(new URL(first).port || 80))
  throw checkFault(
    `The port of ${redirectUris.join(' and of ')} is taken by another program.`,
    `\`${command}\` shows which: end it, or paste the address that the browser ends on where \`evo-token login ${name}\` waits for it. Or register another redirect URI and add it to "redirectUris".`,
  )
}

/** None where the daemon is of an older version, which does not tell. */
async function portsOfSignIns(app: string, client: Client): Promise<readonly unknown[]> {
  try {
    const { ports } = await client.ask({ path: appPath(app, '/login') })
    return Array.isArray(ports) ? (ports as unknown[]) : []
  } catch (error) {
    if (error instanceof EvoTokenError) return []
    throw error
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch (error) {
    // A host without that address family has nothing that could be taken.
    const { code } = error as NodeJS.ErrnoException
    return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
  }
}
