/**
 * A real authorization server (oidc-provider) on a real loopback port, for tests, the demo and
 * the benches. It knows the Evo scopes, rotates refresh tokens, and ends a session when an old
 * one is used again, as the servers do that we have to live with.
 */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ClientMetadata, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { createProviderStore, type ProviderStore } from './provider-store.ts'

export const EVO_SCOPES = [
  'evo.discovery',
  'evo.workspace',
  'evo.object',
  'evo.file',
  'evo.blocksync',
] as const

/** What came to the token endpoint, and what became of it. */
interface TokenRequest {
  readonly grantType: string
  readonly clientId: string
  /** Of the refresh token that was shown: 0 for the one of the sign-in, and one more per rotation. */
  readonly generation: number | undefined
  readonly form: URLSearchParams
  /** The address that it came from. */
  readonly from: string | undefined
  answer?: Answer
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers?: Record<string, string>
}

/**
 * Stands between the network and the token endpoint. `act` lets the server do its work; what is
 * returned goes out, and `cut` breaks the connection instead.
 */
type Intercept = (request: TokenRequest, act: () => Promise<Answer>) => Promise<Answer | 'cut'>

export interface AuthorizationServerOptions {
  /** Any free one, if left out. */
  readonly port?: number
  /** Where it listens; the loopback, if left out. */
  readonly address?: string
  /** The URL that it is known by, where something stands before it (`test/faults/faulty-path.ts`). */
  readonly issuer?: string
  /** What it shows to those who come over TLS, which are all then. */
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly accessTokenTtlS?: number
  readonly refreshTokenTtlS?: number
  readonly accessTokenFormat?: 'jwt' | 'opaque'
  /** Whether each refresh brings a new refresh token and spends the old one. */
  readonly rotate?: boolean
  /** Of the native, the SPA and the web client. */
  readonly redirectUris?: readonly string[]
  /** More clients, in oidc-provider's own terms. */
  readonly clients?: readonly ClientMetadata[]
  /** Another server's past, for one that is started again on the same port. */
  readonly store?: ProviderStore
  /** Called when an answer of the token endpoint is with the operating system. */
  readonly onAnswered?: () => void
}

export interface TestClient {
  readonly clientId: string
  readonly clientSecret?: string
}

export const CLIENTS = {
  native: { clientId: 'native-evo-me' },
  spa: { clientId: 'spa-evo-page' },
  web: { clientId: 'web-evo-site', clientSecret: 'web-secret-4f1c9d7ab2e8' },
  service: { clientId: 'service-evo-pipeline', clientSecret: 'service-secret-8be2104cd9' },
} as const satisfies Record<string, TestClient>

export const REDIRECT_URI = 'http://localhost:3000/signin-callback'

/** What came of one sign-in and can still be refreshed. */
export interface LiveFamily {
  readonly grantId: string
  readonly clientId: string
  readonly login: string
  /** Of the one refresh token that works. */
  readonly generation: number
}

export interface RunningAuthorizationServer extends AsyncDisposable {
  readonly issuer: string
  /** Where it listens itself; the issuer, unless something stands before it. */
  readonly url: string
  readonly clients: typeof CLIENTS
  /** All requests to the token endpoint, in the order in which they came. */
  readonly requests: readonly TokenRequest[]
  /** How many of those asked for `grantType`, for one client or for all. */
  count(grantType: string, clientId?: string): number
  intercept: Intercept
  /** Every sign-in that has not been revoked, ended or outlived, of one client or of all. */
  liveFamilies(clientId?: string): readonly LiveFamily[]
  /** A refresh token as a sign-in would have brought it, for those who need very many. */
  mintRefreshToken(clientId: string, login: string): Promise<string>
  close(): Promise<void>
}

/** The one API that all tokens are for; no client has to name it (Bentley's server refuses that). */
const RESOURCE = 'urn:evo'

const PASS: Intercept = (_request, act) => act()

export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<RunningAuthorizationServer> {
  const Provider = await importProvider()
  const server = options.tls ? createTlsServer(options.tls) : createServer()
  const { address = '127.0.0.1' } = options
  server.listen(options.port ?? 0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `${options.tls ? 'https' : 'http'}://${address}:${port}`
  const issuer = options.issuer ?? url

  const { adapter, generations, payloads } = options.store ?? createProviderStore()
  const provider = new Provider(issuer, { ...configuration(options), adapter })
  const requests: TokenRequest[] = []
  const running: RunningAuthorizationServer = {
    issuer,
    url,
    clients: CLIENTS,
    requests,
    intercept: PASS,
    count: (grantType, clientId) =>
      requests.filter(
        (request) =>
          request.grantType === grantType &&
          (clientId === undefined || request.clientId === clientId),
      ).length,
    liveFamilies: (clientId) => {
      const grants = new Set(payloads('Grant').map(({ jti }) => jti))
      return payloads('RefreshToken')
        .filter((token) => token.consumed === undefined && grants.has(token.grantId))
        .filter((token) => clientId === undefined || token.clientId === clientId)
        .map(({ jti = '', grantId = '', clientId: of = '', accountId = '' }) => ({
          grantId,
          clientId: of,
          login: accountId,
          generation: generations.get(jti) ?? -1,
        }))
    },
    async mintRefreshToken(clientId, login) {
      const client = await provider.Client.find(clientId)
      if (!client) throw new Error(`no client ${clientId}`)
      const grant = new provider.Grant({ accountId: login, clientId })
      grant.addOIDCScope('offline_access')
      grant.addResourceScope(RESOURCE, EVO_SCOPES.join(' '))
      const token = new provider.RefreshToken({
        accountId: login,
        client,
        grantId: await grant.save(),
        gty: 'authorization_code',
        resource: RESOURCE,
        rotations: 0,
        scope: [...EVO_SCOPES, 'offline_access'].join(' '),
      })
      const value = await token.save()
      generations.set(value, 0)
      return value
    },
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
    async [Symbol.asyncDispose]() {
      await running.close()
    },
  }

  provider.use(async (ctx, next) => {
    if (ctx.path !== '/token' || ctx.method !== 'POST') {
      await next()
      return
    }
    const form = await readForm(ctx.req)
    const from = ctx.req.socket.remoteAddress
    const request: TokenRequest = {
      ...toTokenRequest(form, ctx.get('authorization'), generations),
      from,
    }
    requests.push(request)
    const answer = await running.intercept(request, async () => {
      await next()
      const acted: Answer = { status: ctx.status, body: ctx.body as Answer['body'] }
      const { refresh_token: fresh } = acted.body
      if (typeof fresh === 'string' && !generations.has(fresh)) {
        generations.set(fresh, (request.generation ?? -1) + 1)
      }
      request.answer = acted
      return acted
    })
    if (answer === 'cut') {
      ctx.respond = false
      ctx.req.socket.destroy()
      return
    }
    request.answer = answer
    if (options.onAnswered) afterEnd(ctx.res, options.onAnswered)
    ctx.status = answer.status
    ctx.body = answer.body
    for (const [name, value] of Object.entries(answer.headers ?? {})) ctx.set(name, value)
  })
  const handle = provider.callback()
  server.on('request', (request, response) => void handle(request, response))
  return running
}

/** Calls `told` when `response` has been written: its `finish` may come after the client has read it. */
function afterEnd(response: ServerResponse, told: () => void): void {
  const end = response.end.bind(response)
  response.end = (chunk?: unknown) => {
    end(chunk)
    told()
    return response
  }
}

function configuration(options: AuthorizationServerOptions): Configuration {
  const {
    accessTokenTtlS = 3600,
    refreshTokenTtlS = 14 * 24 * 3600,
    accessTokenFormat = 'jwt',
    rotate = true,
    redirectUris = [REDIRECT_URI],
    clients = [],
  } = options
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    clients: [...defaultClients(redirectUris), ...clients],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['of a server that lives for one test'] },
    scopes: ['openid', 'offline_access', ...EVO_SCOPES],
    claims: { openid: ['sub', 'email'] },
    pkce: { required: () => true },
    responseTypes: ['code'],
    rotateRefreshToken: rotate,
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    ttl: {
      AccessToken: accessTokenTtlS,
      ClientCredentials: accessTokenTtlS,
      RefreshToken: refreshTokenTtlS,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: refreshTokenTtlS,
      IdToken: 3600,
      Interaction: 3600,
      Session: refreshTokenTtlS,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async () => true },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: EVO_SCOPES.join(' '),
          accessTokenTTL: accessTokenTtlS,
          accessTokenFormat,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: async (_ctx, token) =>
      'accountId' in token ? { email: `${token.accountId}@example.com` } : undefined,
    findAccount: async (_ctx, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId, email: `${accountId}@example.com` }),
    }),
    renderError: (ctx: KoaContextWithOIDC, out) => {
      ctx.type = 'text'
      ctx.body = Object.entries(out)
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join('\n')
    },
  }
}

function defaultClients(redirectUris: readonly string[]): ClientMetadata[] {
  const person = {
    redirect_uris: [...redirectUris],
    response_types: ['code' as const],
    grant_types: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
  }
  const { native, spa, web, service } = CLIENTS
  return [
    {
      ...person,
      client_id: native.clientId,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
    },
    { ...person, client_id: spa.clientId, token_endpoint_auth_method: 'none' },
    {
      ...person,
      client_id: web.clientId,
      client_secret: web.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: service.clientId,
      client_secret: service.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      scope: EVO_SCOPES.join(' '),
    },
  ]
}

function toTokenRequest(
  form: URLSearchParams,
  authorization: string,
  generations: ReadonlyMap<string, number>,
): Omit<TokenRequest, 'from'> {
  const [scheme, credentials = ''] = authorization.split(' ')
  const basic =
    scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString().split(':', 1)[0] : undefined
  return {
    grantType: form.get('grant_type') ?? '',
    clientId: form.get('client_id') ?? decodeURIComponent(basic ?? ''),
    generation: generations.get(form.get('refresh_token') ?? ''),
    form,
  }
}

/** oidc-provider takes a body that was read already from `body`. */
async function readForm(request: IncomingMessage & { body?: string }): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  request.body = Buffer.concat(chunks).toString()
  return new URLSearchParams(request.body)
}

let importing: Promise<typeof import('oidc-provider').Provider> | undefined

/**
 * oidc-provider writes to the console that this Node is old and that its pages are not for
 * production. Both are true and of no use here, so exactly these lines are left out.
 */
function importProvider(): Promise<typeof import('oidc-provider').Provider> {
  if (!importing) {
    for (const method of ['info', 'warn'] as const) {
      const write = console[method].bind(console)
      console[method] = (...words: unknown[]) => {
        if (!/oidc-provider (NOTICE|WARNING):/.test(String(words[0]))) write(...words)
      }
    }
    importing = import('oidc-provider').then((module) => module.Provider)
  }
  return importing
}
