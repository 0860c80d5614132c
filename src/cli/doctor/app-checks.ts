/** Checks whether a person can sign in to an app, and whether its token is what the config asks for. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { App } from '../../core/app.ts'
import { remedyFor } from '../../core/remedy.ts'
import { redirectWarnings, whyUnserved } from '../../config/redirect-uris.ts'
import { isLoopbackHost, unbracket, isAddressMissing } from '../../core/loopback.ts'
import { Secret } from '../../secret.ts'
import { appPath, type Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { toStatusAnswer } from '../../client/status-answer.ts'
import { platform } from '../../platform/current.ts'
import type { JsonObject } from '../../core/json-object.ts'
import { checkFault, type Check } from './checks.ts'

export interface TokenSlot {
  token?: Secret
}

export interface AppWorld {
  readonly client: Client
  /** The check `token` puts the token here, for those after it. */
  readonly slot: TokenSlot
  /** The port on which the daemon serves tokens, by the config. */
  readonly ownPort: number
}

export function appChecks(app: App, { client, slot, ownPort }: AppWorld): Check[] {
  let answer: JsonObject = {}
  const signIn: Check[] =
    app.redirectUris.length === 0
      ? []
      : [{ id: 'redirect-uri', run: () => redirectUriVerdict(app, client, ownPort) }]
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
        // Servers grant it as a refresh token, and do not always name it in `scope`.
        const missing = app.scopes.filter((one) => one !== 'offline_access' && !given.includes(one))
        if (missing.length === 0) return 'all that the config asks for'
        const status = toStatusAnswer(await client.ask({ path: appPath(app.name) }))
        const changed = [status.problem, status.last_error].find(
          (one) => one?.error === 'scope_changed',
        )
        if (changed) throw checkFault(changed.message, remedyFor(app, 'scope_changed'))
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

/** Which redirect URI a sign-in can use, and what `config check` warns of. */
async function redirectUriVerdict(app: App, client: Client, ownPort: number): Promise<string> {
  const usable = await usableRedirectUri(app, client, ownPort)
  const warnings = redirectWarnings(app, ownPort).map(({ path, message }) => `${path} ${message}`)
  return [...(usable === undefined ? [] : [usable]), ...warnings].join('; ')
}

/** Finds a redirect URI whose port is free, or is used by a sign-in now. Undefined where the daemon serves none of them. */
async function usableRedirectUri(
  { name, redirectUris }: App,
  client: Client,
  ownPort: number,
): Promise<string | undefined> {
  const ours = await portsOfSignIns(name, client)
  const taken: { readonly uri: string; readonly port: number }[] = []
  for (const written of redirectUris) {
    const url = new URL(written)
    const { hostname, port } = url
    const uri = withoutUser(written)
    if (whyUnserved(url, ownPort) !== undefined) {
      // A sign-in tries none after one that is not on this machine.
      if (!isLoopbackHost(hostname)) break
      continue
    }
    const hosts = hostname === 'localhost' ? ['127.0.0.1', '::1'] : [unbracket(hostname)]
    const number = Number(port || 80)
    if (ours.includes(number)) return `the daemon answers at ${uri} now, for a sign-in`
    const free = await Promise.all(hosts.map((host) => isFree(host, number)))
    if (free.every(Boolean)) return `${uri} is free`
    taken.push({ uri, port: number })
  }
  const [first] = taken
  if (first === undefined) return undefined
  const { session } = await client.ask({ path: appPath(name) })
  if (session !== 'signed-out') return 'its port is taken, which matters at the next sign-in'
  const command = platform.portHolderCommand(first.port)
  throw checkFault(
    `The port of ${taken.map(({ uri }) => uri).join(' and of ')} is taken by another program.`,
    `\`${command}\` shows which: end it, or paste the address that the browser ends on where \`evo-token login ${name}\` waits for it. Or register another redirect URI and add it to "redirectUris".`,
  )
}

/** A redirect URI may contain a password, and the output of doctor may be made public. */
function withoutUser(uri: string): string {
  const url = new URL(uri)
  if (url.username === '' && url.password === '') return uri
  url.username = url.password = ''
  return url.href
}

/** Empty where the daemon is of an older version, which does not say. */
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
    // On a host without that address family no program can have the port.
    const { code } = error as NodeJS.ErrnoException
    return isAddressMissing(code)
  }
}
