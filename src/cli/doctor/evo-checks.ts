/** Whether Evo takes the token, and lets its owner see anything: the Discovery and Workspace APIs. */
import type { IssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import { SidecarError } from '../../errors.ts'
import { describeFault } from '../../adapters/server/issuer-fault.ts'
import { type Json, parseObject } from '../../client/wire.ts'
import type { TokenSlot } from './app-checks.ts'
import { checkFault, type Check } from './checks.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface EvoOptions {
  readonly app: string
  readonly discoveryUrl: string
  readonly slot: TokenSlot
  readonly fetch: IssuerFetch
  /** Whether to name instances and workspaces, which is not for the public. */
  readonly names: boolean
}

export function evoChecks({ app, discoveryUrl, slot, fetch, names }: EvoOptions): Check[] {
  let discovery: Json = {}
  const list = (name: string) => (Array.isArray(discovery[name]) ? (discovery[name] as Json[]) : [])
  const get = (url: string) => getJson(url, slot, fetch)
  return [
    {
      id: 'evo-discovery',
      async run() {
        const { status, json } = await get(`${discoveryUrl}/evo/identity/v2/discovery?service=evo`)
        if (status === 401 || status === 403) {
          throw checkFault(
            `Evo's Discovery API refuses the token (${status}).`,
            `It needs the scope evo.discovery, and an app registered in the Seequent Developer Portal; then \`evo-token refresh ${app}\`.`,
          )
        }
        if (status !== 200 || typeof json?.discovery !== 'object' || json.discovery === null) {
          throw checkFault(
            `Evo's Discovery API answered ${status}.`,
            'Try again later: the fault is on their side.',
          )
        }
        discovery = json.discovery as Json
        return 'Evo takes the token'
      },
    },
    {
      id: 'evo-organizations',
      async run() {
        const organizations = list('organizations')
        if (organizations.length > 0) {
          const named = names ? ` (${displayNames(organizations)})` : ''
          const hubs = list('hubs').map(({ code }) => String(code))
          return `${organizations.length} instances${named}; hubs: ${hubs.join(', ') || 'none'}`
        }
        throw checkFault(
          'The identity is in no Evo instance.',
          'An administrator of your Evo instance has to add it: you, or for a service app its client id.',
        )
      },
    },
    {
      id: 'evo-workspaces',
      async run() {
        if (list('service_access').length === 0) {
          throw checkFault(
            'The identity has access to no hub of its instances.',
            'An administrator of your Evo instance has to give it a licence there.',
          )
        }
        return workspacesInWords(await Promise.all(list('service_access').map(workspacesAt)), names)
      },
    },
  ]

  /** What the identity sees of one instance on one hub. */
  async function workspacesAt({ org_id: organization, hub_code: code }: Json): Promise<Seen> {
    const hub = list('hubs').find((one) => one.code === code)
    const base = safeBase(String(hub?.url))
    const path = `/workspace/orgs/${encodeURIComponent(String(organization))}/workspaces?limit=50&offset=0`
    const answer = await get(base + path).catch((error: unknown) => {
      if (error instanceof SidecarError) return { status: error.message, json: undefined }
      throw error
    })
    const { status, json } = answer
    if (status !== 200) return { total: 0, named: '', refusal: `${new URL(base).host} (${status})` }
    const results = Array.isArray(json?.results) ? (json.results as Json[]) : []
    const total = Number((json?.links as Json | undefined)?.total ?? results.length)
    return { total, named: results.map(({ name }) => String(name)).join(', ') }
  }
}

interface Seen {
  readonly total: number
  readonly named: string
  /** The hub that refused, with its status. */
  readonly refusal?: string
}

/** A hub that does not answer does not hide the others. @throws {SidecarError} */
function workspacesInWords(seen: readonly Seen[], names: boolean): string {
  const total = seen.reduce((sum, one) => sum + one.total, 0)
  const refusals = seen.flatMap(({ refusal }) => refusal ?? [])
  const refused = `The Workspace API gives nothing at ${refusals.join(', ')}`
  if (total > 0) {
    const named = names ? ` (${seen.flatMap((one) => one.named || []).join(', ')})` : ''
    return `${total} workspaces${named}${refusals.length > 0 ? `. ${refused}` : ''}`
  }
  if (refusals.length > 0)
    throw checkFault(`${refused}.`, 'It needs the scope evo.workspace; otherwise try again later.')
  throw checkFault(
    'No workspace is visible.',
    'Ask the owner of a workspace to give the identity a role in it.',
  )
}

function displayNames(list: readonly Json[]): string {
  return list.map(({ display_name: name }) => String(name)).join(', ')
}

/**
 * The token goes there: only over TLS, or on this machine.
 *
 * @throws {SidecarError}
 */
export function safeBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    url &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname)))
  ) {
    return `${url.origin}${url.pathname.replace(/\/$/, '')}`
  }
  throw checkFault(
    'An address of Evo is no https URL, and gets no token.',
    'Check --discovery-url, or EVO_DISCOVERY_URL.',
  )
}

async function getJson(
  url: string,
  slot: TokenSlot,
  fetch: IssuerFetch,
): Promise<{ readonly status: number; readonly json: Json | undefined }> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${slot.token?.expose() ?? ''}`,
    }
    const response = await fetch(url, { method: 'GET', headers, redirect: 'manual', signal })
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      length += chunk.length
      if (length > MAX_ANSWER_BYTES)
        throw checkFault('Evo answered with too much.', 'Try again later.')
    }
    return { status: response.status, json: parseObject(Buffer.concat(chunks).toString()) }
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) throw error
    throw checkFault(
      describeFault(error, url).message,
      'See that this machine reaches it, through a proxy if there is one.',
    )
  }
}
