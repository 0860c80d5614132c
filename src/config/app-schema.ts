/** An app as it is written in the config: four kinds, each with exactly the settings that it can have. */
import { z } from 'zod'
import { EVO_REDIRECT_URI, REFRESHABLE } from './evo.ts'
import { appRefresh } from './refresh-settings.ts'
import { durationOrNone, endpoint, issuer, list, notOneOf, settings, text } from './schema-parts.ts'
import * as values from './values.ts'

const SCOPE = 'one scope per string, such as "evo.file", without spaces'
/** RFC 6749 §3.3. */
const scope = text(SCOPE, /^[\x21\x23-\x5b\x5d-\x7e]+$/)

const REDIRECT_URIS = 'a list of at least one redirect URI'
const redirectUris = list(
  REDIRECT_URIS,
  text('an absolute URI without fragment, as it is registered', values.isRedirectUri).meta({
    format: 'uri',
  }),
).min(1, { error: REDIRECT_URIS })

/** Parameters of the authorization request that are ours to set (RFC 6749 §4.1.1, RFC 7636, OIDC Core). */
const AUTHORIZATION =
  /^(?:client_id|response_type|response_mode|redirect_uri|scope|state|nonce|code_challenge|code_challenge_method|request|request_uri)$/

/** Parameters of token requests that are ours to set (RFC 6749 §4 and §6, RFC 7521 §4.2, RFC 7636, RFC 8628). */
const TOKEN =
  /^(?:grant_type|client_id|client_secret|client_assertion|client_assertion_type|code|redirect_uri|code_verifier|refresh_token|device_code|scope)$/i

const parameters = (ours: RegExp) =>
  z.record(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, { error: 'a parameter name has no spaces' })
      .refine((name) => !ours.test(name), { error: 'evo-token sets this parameter itself' }),
    z.string({ error: 'a string' }),
    { error: 'an object of parameter names and strings' },
  )

const common = {
  clientId: text(
    'the client id of the registration',
    /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/,
  ).describe('The client id that the Developer Portal shows for the app.'),
  issuer: issuer.optional().describe("The app's authorization server, where it is another one."),
  refresh: appRefresh
    .optional()
    .describe('What differs for this app from the refresh settings of all.'),
  accessTokenLifetime: durationOrNone('1s', '3650d')
    .optional()
    .describe(
      'How long an access token lives where neither the server nor the token says so; "none" for one that does not end.',
    ),
  tokenParameters: parameters(TOKEN)
    .optional()
    .describe('More parameters for each request to the token endpoint, such as "audience".'),
  authorizationEndpoint: endpoint
    .optional()
    .describe('Where people sign in, where the server publishes no metadata.'),
  tokenEndpoint: endpoint
    .optional()
    .describe('Where tokens come from, where the server publishes no metadata.'),
  revocationEndpoint: endpoint
    .optional()
    .describe('Where tokens are revoked (RFC 7009), where the server publishes no metadata.'),
  deviceAuthorizationEndpoint: endpoint
    .optional()
    .describe('For sign-ins on another device (RFC 8628), where the server publishes no metadata.'),
}

const SCOPES = 'The scopes to ask for.'
const REDIRECT_URIS_ABOUT =
  'The redirect URIs of the registration, exactly as they stand there. A sign-in uses the first one whose port is free.'

const personal = {
  ...common,
  scopes: list('a list of scopes', scope).describe(SCOPES),
  authorizationParameters: parameters(AUTHORIZATION)
    .optional()
    .describe(
      'More parameters for the authorization request. With the scope offline_access, prompt is "consent" unless it is set here.',
    ),
}

const METHOD = 'How the app shows at the token endpoint who it is.'
const secretMethod = z
  .enum(['client_secret_post', 'client_secret_basic', 'private_key_jwt', 'none'], {
    error: '"client_secret_post", "client_secret_basic", "private_key_jwt" or "none"',
  })
  .optional()
  .describe(
    `${METHOD} Left out, it is what the server's metadata lists, client_secret_post first. With private_key_jwt it has a private key in place of a client secret.`,
  )
const noMethod = z
  .enum(['none'], { error: '"none": native and SPA apps have no client secret' })
  .prefault('none')
  .describe(METHOD)

const NOT_SERVICE = 'is a setting of apps with a sign-in: service apps have none, take it out'
const SERVICE_ONLY = { reissue: 'is a setting of service apps only: take it out' }

const type = <Type extends string>(name: Type) =>
  z.literal(name).describe('What the app is registered as in the Developer Portal.')

const native = settings(
  'an object',
  {
    type: type('native'),
    ...personal,
    redirectUris: redirectUris.prefault([EVO_REDIRECT_URI]).describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: noMethod,
  },
  SERVICE_ONLY,
).describe('A desktop app or script that a person signs in to.')

const spa = settings(
  'an object',
  {
    type: type('spa'),
    ...personal,
    redirectUris: redirectUris.describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: noMethod,
  },
  SERVICE_ONLY,
).describe('A single-page app that a person signs in to.')

const web = settings(
  'an object',
  {
    type: type('web'),
    ...personal,
    redirectUris: redirectUris.describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: secretMethod,
  },
  SERVICE_ONLY,
).describe('A web app with a client secret that a person signs in to.')

const service = settings(
  'an object',
  {
    type: type('service'),
    ...common,
    scopes: list(
      'a list of scopes',
      scope
        .refine((name) => name !== REFRESHABLE, {
          error: `another scope than ${REFRESHABLE}: service apps get a new token without it`,
        })
        .meta({ not: { const: REFRESHABLE } }),
    ).describe(SCOPES),
    tokenEndpointAuthMethod: secretMethod,
    reissue: text('a cron expression of 5 or 6 fields, such as "*/30 * * * *"', values.isCron)
      .optional()
      .describe('When to get a new token besides, as cron in local time, 5 or 6 fields.'),
  },
  { redirectUris: NOT_SERVICE, authorizationParameters: NOT_SERVICE },
).describe('A machine-to-machine app: no person signs in.')

export const APP_KINDS = { native, spa, web, service } as const

export const app = z.discriminatedUnion('type', [native, spa, web, service], {
  error: notOneOf('"native", "spa", "web" or "service"', 'an object'),
})
