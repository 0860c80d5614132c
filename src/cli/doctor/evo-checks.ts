/** Checks whether Evo's Discovery and Workspace APIs take the token, and what the identity may see there. */
import type { IssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import { SidecarError } from '../../errors.ts'
import { describeFault } from '../../adapters/server/issuer-fault.ts'
import { parseJsonObject, type JsonObject } from '../../core/json-object.ts'
import type { TokenSlot } from './app-checks.ts'
import { checkFault, type Check } from './checks.ts'

const EVO_TIMEOUT_MS = 30_000
const EVO_ANSWER_MAX_BYTES = 4 * 1024 * 1024

export interface EvoOptions {
  readonly app: string
  readonly discoveryUrl: string
  readonly slot: TokenSlot
  readonly fetch: IssuerFetch
  /** Whether to name instances and workspaces, which should not be made public. */
  readonly names: boolean
}

export function evoChecks({ app, discoveryUrl, slot, fetch, names }: EvoOptions): Check[] {
  let discovery: JsonObject = {}
  const list = (name: string) =>
    Array.isArray(discovery[name]) ? (discovery[name] as JsonObject[]) : []
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
        discovery = json.discovery as JsonObject
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
          const { length } = organizations
          return `${length} ${length === 1 ? 'instance' : 'instances'}${named}; hubs: ${hubs.join(', ') || 'none'}`
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
  async function workspacesAt({
    org_id: organization,
    hub_code: code,
  }: JsonObject): Promise<HubWorkspaces> {
    const hub = list('hubs').find((one) => one.code === code)
    const base = safeBase(String(hub?.url))
    const path = `/workspace/orgs/${encodeURIComponent(String(organization))}/workspaces?limit=50&offset=0`
    const answer = await get(base + path).catch((error: unknown) => {
      if (error instanceof SidecarError) return { status: error.message, json: undefined }
      throw error
    })
    const { status, json } = answer
    if (status !== 200) return { total: 0, named: '', refusal: `${new URL(base).host} (${status})` }
    const results = Array.isArray(json?.results) ? (json.results as JsonObject[]) : []
    const total = Number((json?.links as JsonObject | undefined)?.total ?? results.length)
    return { total, named: results.map(({ name }) => String(name)).join(', ') }
  }
}

interface HubWorkspaces {
  readonly total: number
  readonly named: string
  /** The hub that refused, with its status. */
  readonly refusal?: string
}

/** Reports the hubs that answer, also where one does not. @throws {SidecarError} */
function workspacesInWords(seen: readonly HubWorkspaces[], names: boolean): string {
  const total = seen.reduce((sum, one) => sum + one.total, 0)
  const refusals = seen.flatMap(({ refusal }) => refusal ?? [])
  const refused = `The Workspace API gives nothing at ${refusals.join(', ')}`
  if (total > 0) {
    const named = names ? ` (${seen.flatMap((one) => one.named || []).join(', ')})` : ''
    return `${total} ${total === 1 ? 'workspace' : 'workspaces'}${named}${refusals.length > 0 ? `. ${refused}` : ''}`
  }
  if (refusals.length > 0)
    throw checkFault(`${refused}.`, 'It needs the scope evo.workspace; otherwise try again later.')
  throw checkFault(
    'No workspace is visible.',
    'Ask the owner of a workspace to give the identity a role in it.',
  )
}

function displayNames(list: readonly JsonObject[]): string {
  return list.map(({ display_name: name }) => String(name)).join(', ')
}

/**
 * The base URL, checked: the token is sent there, so it has to be https, or http on this machine.
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
): Promise<{ readonly status: number; readonly json: JsonObject | undefined }> {
  try {
    const signal = AbortSignal.timeout(EVO_TIMEOUT_MS)
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${slot.token?.expose() ?? ''}`,
    }
    const response = await fetch(url, { method: 'GET', headers, signal })
    const { status, body, fault } = response
    if (fault) throw fault
    if (body.length > EVO_ANSWER_MAX_BYTES)
      throw checkFault('Evo answered with too much.', 'Try again later.')
    return { status, json: parseJsonObject(Buffer.from(body).toString()) }
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) throw error
    throw checkFault(
      describeFault(error, url).message,
      'See that this machine reaches it, through a proxy if there is one.',
    )
  }
}
