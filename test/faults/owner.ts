/** What the owner asks a daemon, with its answers as they are, refusals included. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { decodeJwt } from 'jose'
import type { Person } from '../support/person.ts'
import { until } from '../support/until.ts'

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export async function ask(
  socketPath: string,
  path: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' = 'GET',
  sent?: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', ...(sent && { 'content-type': 'application/json' }) }
    const options = { socketPath, method, path, headers, agent: false }
    request(options, (answer) => {
      text(answer).then((body) => {
        const read = body === '' ? {} : (JSON.parse(body) as Answer['body'])
        resolve({ status: answer.statusCode ?? 0, body: read })
      }, reject)
    })
      .once('error', reject)
      .end(sent && JSON.stringify(sent))
  })
}

/** Of `GET /v1/apps/{app}`, as far as it is looked at here. */
export interface Status {
  readonly session: string
  readonly freshness: string
  readonly fingerprint: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly last_error: { readonly error: string; readonly message: string } | null
  readonly problem: {
    readonly error: string
    readonly message: string
    readonly hint: string
    readonly blocking: boolean
  } | null
}

export async function statusOf(socketPath: string, app: string): Promise<Status> {
  const { status, body } = await ask(socketPath, `/v1/apps/${app}`)
  if (status === 200) return body as unknown as Status
  throw new Error(`the status of ${app}: ${JSON.stringify(body)}`)
}

/** The first status of the app that `fits`. */
export async function untilStatus(
  socketPath: string,
  app: string,
  fits: (status: Status) => boolean,
): Promise<Status> {
  return until(`the status of ${app} is as it should be`, () => statusOf(socketPath, app), fits)
}

export const isFresh = ({ session, freshness }: Status) =>
  session === 'active' && freshness === 'fresh'

/** The app's token as a caller gets it; what is expired or no token of the server's is an error. */
export async function goodToken(socketPath: string, app: string): Promise<string> {
  const { status, body } = await ask(socketPath, `/v1/apps/${app}/token`)
  if (status !== 200) throw new Error(`no token of ${app}: ${JSON.stringify(body)}`)
  const token = String(body.access_token)
  const overMs = expiredForMs(token)
  if (overMs >= 0) throw new Error(`the token of ${app} has been expired for ${overMs} ms`)
  return token
}

/** For how long an API has refused it; negative while it takes it. The server rounds its issue down to a second. */
export function expiredForMs(token: string): number {
  const { exp = 0 } = decodeJwt(token)
  return Date.now() - (exp + 1) * 1000
}

/** How long an answer may take on a busy machine. */
const ON_THE_WAY_MAX_MS = 1_000

/** Whether an API refused the token already when it was handed out. @param tookMs how long the answer took: it may have ended on the way. */
export function wasExpired(token: string, tookMs: number): boolean {
  return expiredForMs(token) >= Math.min(tookMs, ON_THE_WAY_MAX_MS)
}

/** Signs a person in, as `evo-token login` and a browser do. The status of the page at its end. */
export async function signIn(socketPath: string, app: string, person: Person): Promise<number> {
  const { body } = await ask(socketPath, `/v1/apps/${app}/login`, 'POST')
  return (await person.visit(String(body.open_url))).status
}
