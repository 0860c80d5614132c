/**
 * Reads the metadata of an authorization server (OpenID Connect Discovery, RFC 8414). They are taken
 * only from the issuer itself, and only where they are safe to use.
 */
import { z } from 'zod'
import { isEndpoint, isIssuer } from '../../config/values.ts'
import type { Failure } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { describeFault } from './issuer-fault.ts'
import { type IssuerAnswer, readAnswer } from './issuer-answer.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import { redirectInWords } from './redirect-words.ts'
import { toReadable } from './server-words.ts'
import type { StartTimeLimit } from './time-limit.ts'

/** The members that we use, with their names on the wire. */
export interface ServerMetadata {
  readonly issuer: string
  readonly authorization_endpoint?: string
  readonly token_endpoint?: string
  readonly revocation_endpoint?: string
  readonly device_authorization_endpoint?: string
  readonly authorization_response_iss_parameter_supported?: boolean
  readonly token_endpoint_auth_methods_supported?: string[]
  readonly token_endpoint_auth_signing_alg_values_supported?: string[]
}

const endpointMember = z.string().refine(isEndpoint).optional().catch(undefined)
const namesMember = z.array(z.string()).optional().catch(undefined)

/** An endpoint that is unsafe to use counts as absent. */
export const serverMetadata = z
  .object({
    issuer: z.string(),
    authorization_endpoint: endpointMember,
    token_endpoint: endpointMember,
    revocation_endpoint: endpointMember,
    device_authorization_endpoint: endpointMember,
    authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
    token_endpoint_auth_methods_supported: namesMember,
    token_endpoint_auth_signing_alg_values_supported: namesMember,
  })
  .transform((metadata) => {
    const present = Object.entries(metadata).filter(([, value]) => value !== undefined)
    return Object.fromEntries(present) as unknown as ServerMetadata
  })

export type DiscoveryResult =
  | { readonly kind: 'found'; readonly metadata: ServerMetadata }
  /** The server answers, and publishes nothing that we could use. */
  | { readonly kind: 'absent'; readonly failure: Failure }
  | {
      readonly kind: 'unavailable'
      readonly failure: Failure
      readonly retryAfterMs?: number
    }

export interface DiscoveryOptions {
  readonly fetch: IssuerFetch
  readonly now: () => Instant
  readonly startTimeLimit: StartTimeLimit
  readonly timeoutMs: number
}

export async function discover(
  issuer: string,
  options: DiscoveryOptions,
): Promise<DiscoveryResult> {
  if (!isEndpoint(issuer)) return toAbsent(`The issuer ${issuer} is not an https URL.`)
  const failures: DiscoveryResult[] = []
  for (const url of wellKnownUrls(issuer)) {
    const answer = await fetchMetadata(url, options)
    // A server that cannot be reached at one path cannot be reached at the other.
    if ('unreachable' in answer) return toUnavailableMetadata(answer.unreachable)
    const judged = judgeMetadata(issuer, url, answer)
    if (judged.kind === 'found') return judged
    failures.push(judged)
  }
  // Reports a failure that may pass rather than one that does not.
  const passing = failures.find(({ kind }) => kind === 'unavailable')
  return passing ?? failures[0] ?? toAbsent(`${issuer} publishes no metadata.`)
}

/** OpenID Connect appends the well-known path, RFC 8414 §3.1 puts it in front of the issuer's own. */
function wellKnownUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

async function fetchMetadata(
  url: string,
  { fetch, now, startTimeLimit, timeoutMs }: DiscoveryOptions,
): Promise<IssuerAnswer | { readonly unreachable: string }> {
  const limit = startTimeLimit(timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'GET',
      headers: { accept: 'application/json' },
      signal: limit.signal,
    })
    return readAnswer(response, now())
  } catch (error) {
    return { unreachable: describeFault(error, url).message }
  } finally {
    limit.end()
  }
}

function judgeMetadata(issuer: string, url: string, answer: IssuerAnswer): DiscoveryResult {
  const { status, json, text, retryAfterMs } = answer
  if (status === 200 && json !== undefined && text !== undefined) {
    const parsed = serverMetadata.safeParse(json)
    if (!parsed.success) return toAbsent(`${url} answers with something that is not metadata.`)
    // Otherwise a server could speak for another one (RFC 8414 §3.3). A bare host equals its "/".
    if (!sameUrl(parsed.data.issuer, issuer))
      return toAbsent(otherName(url, issuer, parsed.data.issuer))
    return { kind: 'found', metadata: parsed.data }
  }
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    const [before] = issuer.split('/.well-known/')
    const correct =
      before === issuer ? '' : ` It is the address of metadata: write ${before} as "issuer".`
    return toAbsent(`${issuer} publishes no metadata (status ${status}).${correct}`)
  }
  const moved = redirectInWords(answer, url, MOVED_HINT)
  return toUnavailableMetadata(
    moved ?? `${url} answered with status ${status}, and no metadata.`,
    retryAfterMs,
  )
}

const MOVED_HINT =
  'the metadata of an issuer are taken from the issuer alone. If it has moved, correct "issuer".'

/** The message where the metadata are those of another issuer: what to write as "issuer" instead. */
function otherName(url: string, issuer: string, name: string): string {
  // Only what could stand in the config is repeated.
  const shown = toReadable(name) ?? ''
  if (/\{tenant_?id\}/i.test(shown)) {
    return `${issuer} stands for every tenant, and calls itself ${shown}: write the id of yours in place of {tenantid} (Entra shows it as "Directory (tenant) ID").`
  }
  if (isIssuer(shown)) {
    return `${url} speaks for an issuer that calls itself ${shown}: write that as "issuer", exactly so, instead of ${issuer}.`
  }
  return URL.canParse(shown) && new URL(shown).protocol === 'http:'
    ? `${url} speaks for an issuer that calls itself ${shown}, without TLS: the server does not know its own address. Where a proxy is before it, set the public address there, in the settings of the server.`
    : `${url} speaks for another issuer, not for ${issuer}.`
}

function sameUrl(one: string, other: string): boolean {
  return one === other || (URL.canParse(one) && new URL(one).href === new URL(other).href)
}

function toAbsent(message: string): DiscoveryResult {
  return { kind: 'absent', failure: { code: 'no_metadata', message } }
}

function toUnavailableMetadata(message: string, retryAfterMs?: number): DiscoveryResult {
  return {
    kind: 'unavailable',
    failure: { code: 'unavailable', message },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}
