/** Gets tokens from the daemon on this machine, and keeps them until shortly before their end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AppStatus, toAppStatus } from './app-status.ts'
import { appPath, askToken, type Client, createClient } from './connection.ts'
import { toStatusAnswer } from './status-answer.ts'
import type { DaemonRequest } from './wire.ts'
import { EvoTokenError } from './failures.ts'
import { now, Token } from './token.ts'

/** How long a daemon takes to restart. */
const RETRY_AFTER_MS = 1_000

/** The environment stands in for options that are left out. Without either, the daemon is found as the command line finds it. */
export interface TokenClientOptions {
  /** The path of the owner socket. */
  readonly socket?: string
  /** `http://127.0.0.1:PORT`, or `EVO_TOKEN_URL`. */
  readonly url?: string
  /** The file with the access key; or `EVO_TOKEN_KEY_FILE`. */
  readonly keyFile?: string
  /** The name of the caller that the key was made for; or `EVO_TOKEN_CALLER`, or `local`. */
  readonly caller?: string
}

export interface TokenOptions {
  /** Asks for a token that lives at least so many seconds, where the server's tokens live so long. */
  readonly minTtlS?: number
}

export class TokenClient {
  readonly #client: Client
  readonly #tokens = new Map<string, Token>()
  readonly #underWay = new Map<string, Promise<Token>>()

  constructor(options: TokenClientOptions = {}) {
    const { socket, url, keyFile, caller } = options
    this.#client = createClient({ env: process.env, socket, url, keyFile, caller })
  }

  /**
   * A good token of `app` (by default `$EVO_TOKEN_APP`). Concurrent calls share one request to the daemon.
   *
   * @throws {EvoTokenError}
   */
  async getToken(app?: string, { minTtlS }: TokenOptions = {}): Promise<Token> {
    const name = requireApp(app)
    const here = this.cached(name, { minTtlS: minTtlS ?? 0 })
    if (here) return here
    const query = minTtlS === undefined ? '' : `?min_ttl=${Math.ceil(minTtlS)}`
    const path = appPath(name, `/token${query}`)
    return this.#once(path, () => this.#receive(name, { path }))
  }

  /** The token that is kept here, if it is good enough; asks no daemon. */
  cached(app?: string, { minTtlS = 0 }: TokenOptions = {}): Token | undefined {
    const token = this.#tokens.get(requireApp(app))
    return token?.isFresh && token.remainingS >= minTtlS ? token : undefined
  }

  /**
   * Reports that an API refused `token` before its end. Resolves with another one, or with the same value where the
   * daemon can get no other now.
   *
   * @throws {EvoTokenError}
   */
  async reportRejected(token: Token): Promise<Token> {
    const { app, sha256 } = token
    const held = this.#tokens.get(app)
    if (held?.isFresh && held.sha256 !== sha256) return held
    // Until then `getToken` asks the daemon, which has the other one.
    this.#tokens.delete(app)
    const path = appPath(app, '/refresh')
    const body = { rejected_sha256: sha256 }
    return this.#once(`${path} ${sha256}`, () => this.#receive(app, { method: 'POST', path, body }))
  }

  /**
   * The status of each app of this caller; never a token.
   *
   * @throws {EvoTokenError}
   */
  async status(): Promise<readonly AppStatus[]> {
    const ask: DaemonRequest = { path: '/v1/apps' }
    const { apps } = await retryOnRestart(ask, () => this.#client.ask(ask))
    return Array.isArray(apps) ? apps.map((one) => toAppStatus(toStatusAnswer(one))) : []
  }

  #once(key: string, task: () => Promise<Token>): Promise<Token> {
    const same = this.#underWay.get(key)
    if (same) return same
    const mine = task().finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, mine)
    return mine
  }

  async #receive(app: string, ask: DaemonRequest): Promise<Token> {
    const asked = now()
    const { accessToken, expiresInS, answer } = await retryOnRestart(ask, () =>
      askToken(this.#client, ask),
    )
    const lifeMs = expiresInS === null ? Infinity : expiresInS * 1000
    const token = new Token(app, accessToken, lifeMs, asked, answer)
    this.#tokens.set(app, token)
    return token
  }
}

let sharedClient: TokenClient | undefined

/** The process-wide client. @internal */
export function defaultClient(): TokenClient {
  sharedClient ??= new TokenClient()
  return sharedClient
}

/**
 * `TokenClient.getToken` of the process-wide client.
 *
 * @throws {EvoTokenError}
 */
export async function getToken(app?: string, options?: TokenOptions): Promise<Token> {
  return defaultClient().getToken(app, options)
}

/** Tries once more if the daemon is restarting and the request is safe to repeat. */
async function retryOnRestart<T>(ask: DaemonRequest, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof EvoTokenError && canRetry(error, ask))) throw error
  }
  await sleep(RETRY_AFTER_MS)
  return attempt()
}

function canRetry({ code, unasked }: EvoTokenError, { method = 'GET' }: DaemonRequest): boolean {
  return code === 'not_running' && (unasked || method === 'GET')
}

function requireApp(app: string | undefined): string {
  const name = app ?? process.env.EVO_TOKEN_APP
  if (name) return name
  throw new EvoTokenError(
    'invalid_request',
    'No app is named.',
    "Name one: getToken('evo-me'), or EVO_TOKEN_APP.",
  )
}
