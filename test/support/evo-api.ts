/**
 * Stands in for the Evo APIs that the examples and the SDK use (Discovery, Workspaces), on a real
 * port. It takes none but valid, unexpired tokens of one authorization server, as Evo does.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const ORGANIZATION = '11111111-1111-4111-8111-111111111111'
const PERSON = { id: '22222222-2222-4222-8222-222222222222', name: 'Ada', email: null }
const SINCE = '2026-01-01T00:00:00Z'

export interface EvoApiOptions {
  readonly issuer: string
  readonly organizations?: readonly string[]
  readonly workspaces?: readonly string[]
  /** Whether there are two more hubs: one that has nothing for any user, and one where nothing listens. */
  readonly closedHubs?: boolean
}

export interface EvoApi extends AsyncDisposable {
  readonly url: string
  /** What each request was answered with. */
  readonly statuses: readonly number[]
  /** The different tokens that were taken. */
  readonly tokens: ReadonlySet<string>
  /** From now on the token of the next request is refused for good, however long it lives. */
  rejectNext(): void
}

export async function startEvoApi({
  issuer,
  organizations = ['Test Mining'],
  workspaces = ['North pit', 'South pit'],
  closedHubs = false,
}: EvoApiOptions): Promise<EvoApi> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
  const statuses: number[] = []
  const tokens = new Set<string>()
  const refused = new Set<string>()
  let rejecting = false

  async function isTaken({ headers }: IncomingMessage): Promise<boolean> {
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (rejecting) refused.add(token)
    rejecting = false
    if (refused.has(token)) return false
    try {
      await jwtVerify(token, keys, { issuer })
    } catch {
      return false
    }
    tokens.add(token)
    return true
  }

  const server = createServer((request, response) => {
    void isTaken(request).then((taken) => {
      const body = taken ? answerTo(new URL(request.url ?? '/', url)) : undefined
      const status = !taken ? 401 : body ? 200 : 404
      statuses.push(status)
      const problem = { status, title: status === 401 ? 'No permission' : 'Not found', detail: '' }
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body ?? problem))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function answerTo({ pathname }: URL): object | undefined {
    if (pathname === '/evo/identity/v2/discovery') {
      const hub = { code: 'test', display_name: 'Test hub', url }
      const gone = { code: 'gone', display_name: 'Gone hub', url: 'http://127.0.0.1:3' }
      const closed = { code: 'closed', display_name: 'Closed hub', url: `${url}/closed` }
      const access = { org_id: ORGANIZATION, hub_code: 'test', services: ['evo'] }
      return {
        discovery: {
          organizations: organizations.map((name) => ({ id: ORGANIZATION, display_name: name })),
          hubs: [hub, ...(closedHubs ? [closed, gone] : [])],
          services: [{ code: 'evo', display_name: 'Evo' }],
          service_access: organizations.flatMap(() => [
            ...(closedHubs ? ['closed', 'gone'] : []).map((code) => ({
              ...access,
              hub_code: code,
            })),
            access,
          ]),
        },
      }
    }
    if (pathname !== `/workspace/orgs/${ORGANIZATION}/workspaces`) return undefined
    const page = `${url}${pathname}`
    return {
      links: { count: workspaces.length, first: page, last: page, total: workspaces.length },
      results: workspaces.map((name, index) => ({
        id: `33333333-3333-4333-8333-33333333333${index}`,
        name,
        created_at: SINCE,
        created_by: PERSON,
        updated_at: SINCE,
        updated_by: PERSON,
        current_user_role: 'viewer',
        self_link: page,
      })),
    }
  }

  return {
    url,
    statuses,
    tokens,
    rejectNext() {
      rejecting = true
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
