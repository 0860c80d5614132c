/** An app as it is written in the config: four kinds, each with exactly the settings that it can have. */
import { z } from 'zod'
import { EVO_REDIRECT_URI, OFFLINE_ACCESS } from './evo.ts'
import { appRefresh } from './refresh-settings.ts'
import {
  durationOrNone,
  endpointSetting,
  issuerSetting,
  listSetting,
  notOneOf,
  settingsObject,
  textSetting,
} from './schema-parts.ts'
import * as values from './values.ts'

const SCOPE_EXPECTED = 'one scope per string, such as "evo.file", without spaces'
/** RFC 6749 §3.3. */
const scopeSetting = textSetting(SCOPE_EXPECTED, /^[\x21\x23-\x5b\x5d-\x7e]+$/)

const REDIRECT_URIS = 'a list of at least one redirect URI'
const redirectUris = listSetting(
  REDIRECT_URIS,
  textSetting('an absolute URI without fragment, as it is registered', values.isRedirectUri).meta({
    format: 'uri',
  }),
).min(1, { error: REDIRECT_URIS })

/** Parameters of the authorization request that are ours to set (RFC 6749 §4.1.1, RFC 7636, OIDC Core). */
const OWN_AUTHORIZATION_PARAMETERS =
  /^(?:client_id|response_type|response_mode|redirect_uri|scope|state|nonce|code_challenge|code_challenge_method|request|request_uri)$/

/** Parameters of token requests that are ours to set (RFC 6749 §4 and §6, RFC 7521 §4.2, RFC 7636, RFC 8628). */
const OWN_TOKEN_PARAMETERS =
  /^(?:grant_type|client_id|client_secret|client_assertion|client_assertion_type|code|redirect_uri|code_verifier|refresh_token|device_code|scope)$/i

const parametersSetting = (ours: RegExp) =>
  z.record(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, { error: 'a parameter name has no spaces' })
      .refine((name) => !ours.test(name), { error: 'evo-token sets this parameter itself' }),
    z.string({ error: 'a string' }),
    { error: 'an object of parameter names and strings' },
  )

const commonSettings = {
  clientId: textSetting(
    'the client id of the registration',
    /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/,
  ).describe('The client id that the Developer Portal shows for the app.'),
  issuer: issuerSetting
    .optional()
    .describe("The app's authorization server, where it is another one."),
  refresh: appRefresh
    .optional()
    .describe('What differs for this app from the refresh settings of all.'),
  accessTokenLifetime: durationOrNone('1s', '3650d')
    .optional()
    .describe(
      'How long an access token lives where neither the server nor the token says so; "none" for one that does not end.',
    ),
  tokenParameters: parametersSetting(OWN_TOKEN_PARAMETERS)
    .optional()
    .describe('More parameters for each request to the token endpoint, such as "audience".'),
  authorizationEndpoint: endpointSetting
    .optional()
    .describe('Where people sign in, where the server publishes no metadata.'),
  tokenEndpoint: endpointSetting
    .optional()
    .describe('Where tokens come from, where the server publishes no metadata.'),
  revocationEndpoint: endpointSetting
    .optional()
    .describe('Where tokens are revoked (RFC 7009), where the server publishes no metadata.'),
  deviceAuthorizationEndpoint: endpointSetting
    .optional()
    .describe('For sign-ins on another device (RFC 8628), where the server publishes no metadata.'),
}

const SCOPES_ABOUT = 'The scopes to ask for.'
const REDIRECT_URIS_ABOUT =
  'The redirect URIs of the registration, exactly as they stand there. A sign-in uses the first one whose port is free.'

const personalSettings = {
  ...commonSettings,
  scopes: listSetting('a list of scopes', scopeSetting).describe(SCOPES_ABOUT),
  authorizationParameters: parametersSetting(OWN_AUTHORIZATION_PARAMETERS)
    .optional()
    .describe(
      'More parameters for the authorization request. With the scope offline_access, prompt is "consent" unless it is set here.',
    ),
}

const METHOD_ABOUT = 'How the app shows at the token endpoint who it is.'
const secretMethod = z
  .enum(['client_secret_post', 'client_secret_basic', 'private_key_jwt', 'none'], {
    error: '"client_secret_post", "client_secret_basic", "private_key_jwt" or "none"',
  })
  .optional()
  .describe(
    `${METHOD_ABOUT} Left out, it is what the server's metadata lists, client_secret_post first. With private_key_jwt it has a private key in place of a client secret.`,
  )
const noMethod = z
  .enum(['none'], { error: '"none": native and SPA apps have no client secret' })
  .prefault('none')
  .describe(METHOD_ABOUT)

const NOT_SERVICE = 'is a setting of apps with a sign-in: service apps have none, take it out'
const SERVICE_ONLY = { reissue: 'is a setting of service apps only: take it out' }

const typeSetting = <Type extends string>(name: Type) =>
  z.literal(name).describe('What the app is registered as in the Developer Portal.')

const nativeAppSettings = settingsObject(
  'an object',
  {
    type: typeSetting('native'),
    ...personalSettings,
    redirectUris: redirectUris.prefault([EVO_REDIRECT_URI]).describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: noMethod,
  },
  SERVICE_ONLY,
).describe('A desktop app or script that a person signs in to.')

const spaAppSettings = settingsObject(
  'an object',
  {
    type: typeSetting('spa'),
    ...personalSettings,
    redirectUris: redirectUris.describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: noMethod,
  },
  SERVICE_ONLY,
).describe('A single-page app that a person signs in to.')

const webAppSettings = settingsObject(
  'an object',
  {
    type: typeSetting('web'),
    ...personalSettings,
    redirectUris: redirectUris.describe(REDIRECT_URIS_ABOUT),
    tokenEndpointAuthMethod: secretMethod,
  },
  SERVICE_ONLY,
).describe('A web app with a client secret that a person signs in to.')

const serviceAppSettings = settingsObject(
  'an object',
  {
    type: typeSetting('service'),
    ...commonSettings,
    scopes: listSetting(
      'a list of scopes',
      scopeSetting
        .refine((name) => name !== OFFLINE_ACCESS, {
          error: `another scope than ${OFFLINE_ACCESS}: service apps get a new token without it`,
        })
        .meta({ not: { const: OFFLINE_ACCESS } }),
    ).describe(SCOPES_ABOUT),
    tokenEndpointAuthMethod: secretMethod,
    reissue: textSetting(
      'a cron expression of 5 or 6 fields, such as "*/30 * * * *"',
      values.isCron,
    )
      .optional()
      .describe('When to get a new token besides, as cron in local time, 5 or 6 fields.'),
  },
  { redirectUris: NOT_SERVICE, authorizationParameters: NOT_SERVICE },
).describe('A machine-to-machine app: no person signs in.')

export const APP_KINDS = {
  native: nativeAppSettings,
  spa: spaAppSettings,
  web: webAppSettings,
  service: serviceAppSettings,
} as const

export const appSettings = z.discriminatedUnion(
  'type',
  [nativeAppSettings, spaAppSettings, webAppSettings, serviceAppSettings],
  {
    error: notOneOf('"native", "spa", "web" or "service"', 'an object'),
  },
)
