/**
 * Client authentication of an app at the token endpoint: the method, the secret or key, and the
 * message to a person where the server does not accept it.
 */
import { asEnd } from '../../core/case-row.ts'
import { importJWK } from 'jose'
import * as oidc from 'openid-client'
import {
  type App,
  hasPrivateKey,
  needsClientSecret,
  type TokenEndpointAuthMethod,
} from '../../core/app.ts'
import { secretCommand, secretMissing } from '../../core/client-secret.ts'
import type { Failure } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { type PrivateKey, type PrivateKeyRead, readPrivateKey } from '../app-secrets/private-key.ts'
import type { ServerMetadata } from './discovery.ts'
import type { FailedOutcome } from './grant-failure.ts'
import type { ExchangeFacts } from './http-exchange.ts'

export interface ClientAuthentication {
  readonly method: TokenEndpointAuthMethod
  /** For openid-client. */
  readonly authenticate: oidc.ClientAuth
}

/** Methods with a client secret that we know, the preferred one first. */
const SECRET_METHODS = ['client_secret_post', 'client_secret_basic'] as const

/** What the setting can be, besides "none". */
const SETTABLE_METHODS = [...SECRET_METHODS, 'private_key_jwt'] as const

/** The authentication, or a failure where the app needs a secret that we do not have. */
export async function authenticationOf(
  app: App,
  metadata: ServerMetadata,
  clientSecret: Sealed | undefined,
): Promise<ClientAuthentication | Failure> {
  const method = methodOf(app, metadata)
  if (method === 'none') return { method, authenticate: oidc.None() }
  if (!clientSecret) return secretMissing(app)
  const secret = clientSecret.expose()
  const read = readPrivateKey(secret)
  const fault = faultOf(app, read)
  if (fault) return fault
  if (read.kind === 'key') return { method, authenticate: await signWith(read, metadata) }
  return method === 'client_secret_basic'
    ? { method, authenticate: inHeader(secret) }
    : { method, authenticate: oidc.ClientSecretPost(secret) }
}

/**
 * RFC 6749 §2.3.1, encoded as in a form and no further: the library encodes "-" and "_" too, so a server
 * that forgets to decode would not recognize an ordinary client id.
 */
function inHeader(secret: string): oidc.ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    const credentials = Buffer.from(`${inForm(id)}:${inForm(secret)}`).toString('base64')
    headers.set('authorization', `Basic ${credentials}`)
  }
}

function inForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function methodOf(app: App, metadata: ServerMetadata): TokenEndpointAuthMethod {
  if (!needsClientSecret(app)) return 'none'
  const listed = metadata.token_endpoint_auth_methods_supported ?? []
  return (
    app.tokenEndpointAuthMethod ??
    SECRET_METHODS.find((method) => listed.includes(method)) ??
    'client_secret_post'
  )
}

/** Signs an assertion for each request (RFC 7523 §2.2), with an algorithm that the server lists, if it lists any. */
async function signWith(
  { jwk, kid, algorithms }: PrivateKey,
  { token_endpoint_auth_signing_alg_values_supported: known = [] }: ServerMetadata,
): Promise<oidc.ClientAuth> {
  const alg = algorithms.find((one) => known.includes(one)) ?? algorithms[0] ?? ''
  const key = await importJWK(jwk, alg)
  if (key instanceof Uint8Array) throw new TypeError('a private key was imported as bytes')
  return oidc.PrivateKeyJwt(kid === undefined ? key : { key, kid }, {
    [oidc.modifyAssertion]: (header) => {
      // The library calls EdDSA by its new name (RFC 9864), which few servers know.
      header.alg = alg
    },
  })
}

/** Why `clientSecret` does not fit the app's method: a key in place of a secret, or the reverse; undefined where it fits. */
export function secretFault(app: App, clientSecret: Sealed): Failure | undefined {
  return needsClientSecret(app) ? faultOf(app, readPrivateKey(clientSecret.expose())) : undefined
}

function faultOf(app: App, read: PrivateKeyRead): Failure | undefined {
  const { code: error } = secretMissing(app)
  const command = `"${secretCommand(app)}"`
  if (hasPrivateKey(app)) {
    if (read.kind === 'key') return undefined
    const message =
      read.kind === 'unusable'
        ? `The private key for "${app.name}" cannot be used: ${read.reason}.`
        : `What is given for "${app.name}" is not a private key, and "tokenEndpointAuthMethod" asks for one: ${command} stores it.`
    return { code: error, message }
  }
  if (read.kind === 'other') return undefined
  return {
    code: error,
    message: `What is given for "${app.name}" is a key, and the app shows a client secret. Where the server expects a key, set "tokenEndpointAuthMethod" to "private_key_jwt" in the config; otherwise ${command} stores a client secret.`,
  }
}

/** `outcome`, with the setting to change where the server may have expected another method. */
export function nameMethod(
  outcome: FailedOutcome,
  { answer }: Pick<ExchangeFacts, 'answer'>,
  app: App,
  method: TokenEndpointAuthMethod,
  { token_endpoint_auth_methods_supported: listed = [] }: ServerMetadata,
): FailedOutcome {
  if (outcome.kind !== 'misconfigured' && outcome.kind !== 'unavailable') return outcome
  const { failure } = outcome
  const concerned = app.type === 'web' || app.type === 'service'
  if (!concerned || (failure.code !== 'invalid_client' && answer?.status !== 401)) return outcome
  const others = SETTABLE_METHODS.filter((one) => one !== method)
  const likely = others.filter((one) => listed.includes(one))
  const choice = (likely.length > 0 ? likely : others).join(' or ')
  const message = `${asEnd(failure.message)} ${METHOD_SENTENCES[method]} Where the server expects another way, set "tokenEndpointAuthMethod" of the app "${app.name}" in the config to ${choice}.`
  return { ...outcome, failure: { ...failure, message } }
}

const METHOD_SENTENCES: Readonly<Record<TokenEndpointAuthMethod, string>> = {
  client_secret_post: 'The client secret was sent in the form (client_secret_post).',
  client_secret_basic: 'The client secret was sent in a header (client_secret_basic).',
  private_key_jwt:
    'The request was signed with the private key (private_key_jwt), whose public part has to be registered there.',
  none: 'No client secret was sent (none).',
}
