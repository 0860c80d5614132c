/** Makes and writes responses: instants in RFC 3339, the status of an app, and the bytes themselves. */
import type { ServerResponse } from 'node:http'
import type { PastFailure } from '../core/ports.ts'
import type { Problem } from '../core/problem.ts'
import { caseNamed } from '../core/problem-cases.ts'
import type { AppStatus } from '../core/status.ts'
import { type Instant, LAST_INSTANT } from '../core/token.ts'
import type { Door } from './door.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: string
}

/** Headers of every response: no cache keeps it, and no client guesses another content type. */
const GUARD_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const

export function toAnswer(status: number, type: string, body: string): Answer {
  const headers = {
    ...GUARD_HEADERS,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
  }
  return { status, headers, body }
}

export function toJsonAnswer(value: object, status = 200): Answer {
  return toAnswer(status, 'application/json', JSON.stringify(value))
}

export function toTextAnswer(body: string): Answer {
  return toAnswer(200, 'text/plain; charset=utf-8', body)
}

export const NO_CONTENT: Answer = { status: 204, headers: GUARD_HEADERS, body: '' }

/**
 * Writes the response without express's `send`, which would compute an ETag and look at the request
 * again. All headers are written at once: setting one of them before costs as much as writing them all.
 */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  // It was refused while it waited, because too many requests did.
  if (response.writableEnded) return
  response.writeHead(status, headers)
  response.end(body)
}

/** RFC 3339 in UTC, whole seconds, never later than the instant itself. */
export function toRfc3339(instant: Instant): string {
  return `${new Date(Math.min(instant, LAST_INSTANT)).toISOString().slice(0, 19)}Z`
}

export function toRfc3339OrNull(instant: Instant | null): string | null {
  return instant === null ? null : toRfc3339(instant)
}

/** The status as `door` may show it: only the owner sees what an authorization server said and who signed in. */
export function toStatusJson(status: AppStatus, door: Door) {
  const [problem] = status.problems
  const error = door.isOwners ? status.lastError : toCallersFailure(status)
  return {
    app: status.app,
    type: status.type,
    session: status.session,
    freshness: status.freshness,
    expires_at: toRfc3339OrNull(status.expiresAt),
    refresh_at: toRfc3339OrNull(status.refreshAt),
    refreshed_at: toRfc3339OrNull(status.refreshedAt),
    retry_at: toRfc3339OrNull(status.retryAt),
    failures: status.failures,
    scope: status.scope,
    fingerprint: status.fingerprint,
    last_error: error && { error: error.code, message: error.message, at: toRfc3339(error.at) },
    problem: problem ? toProblemJson(problem, door) : null,
    ...(door.isOwners && {
      subject: status.subject,
      session_expires_at: toRfc3339OrNull(status.sessionExpiresAt),
      session_expires_soon: status.sessionExpiresSoon,
      ...(status.home !== null && { home: status.home }),
    }),
  }
}

function toProblemJson(problem: Problem, door: Door) {
  const { code: error, blocking } = problem
  return { error, ...(door.isOwners ? problem.owner : problem.callers), blocking }
}

/** The last failure with our own code and message: the server's may name people, tenants or addresses. */
function toCallersFailure({ lastError, problems: [problem] }: AppStatus): PastFailure | null {
  if (!lastError || !problem) return null
  return {
    code: caseNamed(lastError.code) ?? problem.code,
    message: problem.callers.message,
    at: lastError.at,
  }
}
