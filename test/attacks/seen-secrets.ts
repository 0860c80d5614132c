/** What went over the wire between the daemon and its authorization server, as canaries. */
import type { Plan } from '../faults/faulty-path.ts'
import type { RunningAuthorizationServer } from '../support/authorization-server.ts'
import type { Canaries } from './canaries.ts'

/** The form fields of a token request that are secrets, and what they are called. */
const SECRET_FIELDS = {
  refresh_token: 'refresh token',
  client_secret: 'client secret',
  code: 'authorization code',
  code_verifier: 'PKCE verifier',
  device_code: 'device code',
} as const

/** The secrets of a token request, each with its name. */
export function secretsOf(
  form: URLSearchParams,
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(SECRET_FIELDS).flatMap(([field, name]) => {
    const value = form.get(field)
    return value === null ? [] : [[name, value] as const]
  })
}

/** Notes what is sent before it meets anything. */
export function watching(canaries: Canaries, plan: Plan = () => undefined): Plan {
  return (form) => {
    for (const [name, value] of secretsOf(form)) canaries.add(name, value)
    return plan(form)
  }
}

/** Notes what the server handed out, whether that came through or not. */
export function noteAnswers(canaries: Canaries, server: RunningAuthorizationServer): void {
  for (const { answer } of server.requests) {
    const { access_token: access, refresh_token: refresh } = answer?.body ?? {}
    if (typeof access === 'string') canaries.add('access token', access)
    if (typeof refresh === 'string') canaries.add('refresh token', refresh)
  }
}
