/** `get`: prints an app's access token. It goes from the answer to stdout and nowhere else. */
import { appPath, type Ask, type Client, createClient, type Json } from './client.ts'
import type { Invocation } from './command.ts'

/** The daemon waits 10 s at most for a refresh under way. */
const PATIENCE_MS = 20_000

export async function run(invocation: Invocation): Promise<number> {
  const { command, argument, flag, text, io } = invocation
  const minTtl = text('min-ttl')
  const fault =
    minTtl !== undefined && !/^\d{1,9}$/.test(minTtl)
      ? 'needs a whole number of seconds for --min-ttl'
      : flag('json') && flag('header')
        ? 'takes one of --json and --header'
        : undefined
  if (fault !== undefined) {
    const { usageFault } = await import('./usage.ts')
    throw usageFault(command, fault)
  }
  const query = minTtl === undefined ? '' : `?min_ttl=${minTtl}`
  const { accessToken, answer } = await askToken(createClient(invocation), {
    path: appPath(argument('APP'), `/token${query}`),
    timeoutMs: PATIENCE_MS,
  })
  if (flag('json')) io.stdout.write(`${JSON.stringify(answer)}\n`)
  else
    io.stdout.write(flag('header') ? `Authorization: Bearer ${accessToken}\n` : `${accessToken}\n`)
  return 0
}

export interface Token {
  readonly accessToken: string
  readonly expiresInS: number
  /** The answer as it came. */
  readonly answer: Json
}

/** The token in the answer to `ask`. */
export async function askToken(client: Client, ask: Ask): Promise<Token> {
  const answer = await client.ask(ask)
  const { access_token: accessToken, expires_in: expiresInS } = answer
  // Printable ASCII only (RFC 6749 §A.12): a line break in it would end the header that it goes into.
  const printable = typeof accessToken === 'string' && /^[\x20-\x7e]+$/.test(accessToken)
  if (printable && typeof expiresInS === 'number') return { accessToken, expiresInS, answer }
  const { failureOf } = await import('./client-failures.ts')
  throw failureOf('its answer holds no token', 'this address')
}
