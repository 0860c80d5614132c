/**
 * Where an app's requests go: what its config names wins, the issuer's metadata fills in the rest,
 * and no server is asked for metadata where the config suffices.
 */
import { isEndpoint } from '../../config/values.ts'
import type { App, Endpoints } from '../../core/app.ts'
import type { Failure } from '../../core/ports.ts'
import type { DiscoveryResult, ServerMetadata } from './discovery.ts'
import type { MetadataSource } from './metadata.ts'

export type EndpointName = keyof Endpoints

/** How an endpoint is called by people, by the config and by the metadata. */
const ENDPOINTS = {
  authorization: {
    words: 'authorization endpoint',
    key: 'authorizationEndpoint',
    wire: 'authorization_endpoint',
  },
  token: { words: 'token endpoint', key: 'tokenEndpoint', wire: 'token_endpoint' },
  revocation: {
    words: 'revocation endpoint',
    key: 'revocationEndpoint',
    wire: 'revocation_endpoint',
  },
  deviceAuthorization: {
    words: 'device authorization endpoint',
    key: 'deviceAuthorizationEndpoint',
    wire: 'device_authorization_endpoint',
  },
} as const satisfies Record<
  EndpointName,
  { words: string; key: string; wire: keyof ServerMetadata }
>

export type EndpointSearch =
  { readonly kind: 'located'; readonly metadata: ServerMetadata } | EndpointFailure

export type EndpointFailure =
  | { readonly kind: 'misconfigured'; readonly failure: Failure }
  | { readonly kind: 'unavailable'; readonly failure: Failure; readonly retryAfterMs?: number }

export interface Needs {
  readonly endpoints: readonly EndpointName[]
  /** Whether something is needed that only the metadata can tell. */
  readonly metadata: boolean
}

/** The app's authorization server, with each endpoint that is needed known and safe to use. */
export async function locate(
  app: App,
  source: MetadataSource,
  needs: Needs,
): Promise<EndpointSearch> {
  const unsafe = needs.endpoints.find((name) => isUnsafe(app.endpoints[name]))
  if (unsafe) {
    const { key } = ENDPOINTS[unsafe]
    return toMisconfigured(`"${key}" of the app "${app.name}" is not an https URL.`)
  }
  if (!needs.metadata && needs.endpoints.every((name) => app.endpoints[name] !== undefined)) {
    return { kind: 'located', metadata: addOwnEndpoints(app, { issuer: app.issuer }) }
  }
  let discovered = await source.of(app.issuer)
  let metadata = addOwnEndpoints(app, metadataIn(discovered, app))
  const findMissing = () => needs.endpoints.find((name) => urlOf(metadata, name) === undefined)
  if (discovered.kind === 'found' && findMissing() !== undefined) {
    // They may have been mended since.
    await source.renew(app.issuer)
    discovered = await source.of(app.issuer)
    metadata = addOwnEndpoints(app, metadataIn(discovered, app))
  }
  if (discovered.kind === 'unavailable') return discovered
  const missing = findMissing()
  if (missing === undefined) return { kind: 'located', metadata }
  const { words, key } = ENDPOINTS[missing]
  return toMisconfigured(
    discovered.kind === 'found'
      ? `The metadata of ${app.issuer} name no usable ${words}${UNOFFERED_WORDS[missing] ?? ''}. Set "${key}" of the app "${app.name}" in the config.`
      : `${discovered.failure.message} So its ${words} is not known. Correct "issuer" in the config, or set "${key}" of the app "${app.name}" there.`,
  )
}

/** Whether the endpoint comes from the server's metadata, and not from the config. */
export function isDiscovered({ endpoints }: App, name: EndpointName): boolean {
  return endpoints[name] === undefined
}

export function urlOf(metadata: ServerMetadata, name: EndpointName): string | undefined {
  return metadata[ENDPOINTS[name].wire]
}

function metadataIn(discovered: DiscoveryResult, { issuer }: App): ServerMetadata {
  return discovered.kind === 'found' ? discovered.metadata : { issuer }
}

/** What the absence of an endpoint means, where that is not obvious. */
const UNOFFERED_WORDS: Partial<Record<EndpointName, string>> = {
  deviceAuthorization: ': it does not offer the device flow',
}

/** The metadata with the app's own endpoints in the place of the published ones. */
function addOwnEndpoints({ endpoints }: App, metadata: ServerMetadata): ServerMetadata {
  const own = Object.entries(ENDPOINTS).flatMap(([name, { wire }]) => {
    const url = endpoints[name as EndpointName]
    return url === undefined ? [] : [[wire, url] as const]
  })
  return { ...metadata, ...Object.fromEntries(own) }
}

function isUnsafe(url: string | undefined): boolean {
  return url !== undefined && !isEndpoint(url)
}

function toMisconfigured(message: string): EndpointFailure {
  return { kind: 'misconfigured', failure: { code: 'no_endpoint', message } }
}
