/**
 * An app's OAuth 2.0 authorization server, through openid-client. Expected errors of that library become
 * values here; anything else is thrown unchanged.
 */
import * as oidc from 'openid-client'
import type { App } from '../../core/app.ts'
import type {
  ServerResult,
  AuthorizationServer,
  DeviceAuthorization,
  GrantOutcome,
  PollOutcome,
} from '../../core/authorization-server.ts'
import { Secret } from '../../secret.ts'
import { createAppRequests } from './app-requests.ts'
import { type AppRequestsOptions, configure } from './ready-request.ts'
import { authorizationParameters, redirectUriShared } from './authorization-request.ts'
import { refuseResponse } from './authorization-response.ts'
import { secretFault } from './client-authentication.ts'
import { tidyDeviceResponse, toDeviceAuthorization } from './device-response.ts'
import type { ServerMetadata } from './discovery.ts'
import { locate, type EndpointFailure } from './endpoints.ts'
import type { FailedOutcome } from './grant-failure.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

export function createAuthorizationServer(options: AppRequestsOptions): AuthorizationServer {
  const { app, metadata } = options
  const requests = createAppRequests(options)

  return {
    secretFault: (clientSecret) => secretFault(app, clientSecret),

    prepareRefresh: (refreshToken, clientSecret) =>
      requests.prepareTokens({
        clientSecret,
        isRefresh: true,
        spends: true,
        ask: (configuration) => oidc.refreshTokenGrant(configuration, refreshToken.expose()),
      }),

    async issue(clientSecret) {
      const prepared = await requests.prepareTokens({
        clientSecret,
        spends: false,
        ask: (configuration) => oidc.clientCredentialsGrant(configuration, scopeParameter(app)),
      })
      return prepared.kind === 'ready' ? prepared.send() : prepared.outcome
    },

    async authorize(redirectUri, { switchUser }) {
      const located = await locate(app, metadata, {
        endpoints: ['authorization', 'token'],
        metadata: app.sharesRedirectUri,
      })
      if (located.kind !== 'located') return toFailed(located)
      if (app.sharesRedirectUri && !namesItself(located.metadata)) {
        return toFailed({ kind: 'misconfigured', failure: redirectUriShared(app, redirectUri) })
      }
      const state = oidc.randomState()
      const codeVerifier = oidc.randomPKCECodeVerifier()
      const codeChallenge = await oidc.calculatePKCECodeChallenge(codeVerifier)
      const url = oidc.buildAuthorizationUrl(
        configure(app, located.metadata, oidc.None()),
        authorizationParameters(app, { redirectUri, state, codeChallenge, switchUser }),
      )
      return {
        kind: 'ok',
        value: { url: url.href, state, codeVerifier: new Secret(codeVerifier), redirectUri },
      }
    },

    prepareRedemption(request, callback, clientSecret) {
      const { state, codeVerifier, redirectUri } = request
      return requests.prepareTokens({
        clientSecret,
        spends: true,
        needs: { endpoints: ['token'], metadata: app.sharesRedirectUri },
        code: new Secret(callback.searchParams.get('code') ?? ''),
        refuse: (server) =>
          refuseResponse(callback.searchParams, {
            state,
            issuer: server.issuer,
            issuerRequired: app.sharesRedirectUri || namesItself(server),
          }),
        ask(configuration) {
          const current = new URL(redirectUri)
          current.search = callback.search
          return oidc.authorizationCodeGrant(configuration, current, {
            expectedState: state,
            pkceCodeVerifier: codeVerifier.expose(),
          })
        },
        // The library derives it from the callback; the server compares it letter by letter.
        adjust: (form) => {
          form.set('redirect_uri', redirectUri)
        },
      })
    },

    async authorizeDevice(clientSecret) {
      // Without a token endpoint the person would sign in for nothing.
      const located = await locate(app, metadata, { endpoints: ['token'], metadata: false })
      if (located.kind !== 'located') return toFailed(located)
      const asked = await requests.run(
        'deviceAuthorization',
        clientSecret,
        async ({
          configuration,
          toFailure: failedTo,
        }): Promise<ServerResult<DeviceAuthorization>> => {
          try {
            const response = await oidc.initiateDeviceAuthorization(
              configuration,
              scopeParameter(app),
            )
            return { kind: 'ok', value: toDeviceAuthorization(response) }
          } catch (error) {
            return toFailed(failedTo(error, { wanted: 'device code' }))
          }
        },
        { tidy: tidyDeviceResponse },
      )
      return asked.kind === 'done' ? asked.value : toFailed(asked)
    },

    async preparePoll({ deviceCode }, clientSecret) {
      const prepared = await requests.prepareTokens({
        clientSecret,
        spends: true,
        ask: (configuration) =>
          oidc.genericGrantRequest(configuration, DEVICE_GRANT, {
            device_code: deviceCode.expose(),
          }),
        final: ['expired_token', 'access_denied'],
      })
      if (prepared.kind === 'settled') return prepared
      return {
        kind: 'ready',
        send: async (question) => toPollOutcome(await prepared.send(question)),
      }
    },

    async revoke(token, kind, clientSecret, question) {
      const asked = await requests.run(
        'revocation',
        clientSecret,
        async ({ configuration, toFailure: failedTo }) => {
          try {
            await oidc.tokenRevocation(configuration, token.expose(), { token_type_hint: kind })
            return true
          } catch (error) {
            // Throws a bug of ours; the rest means "not confirmed".
            failedTo(error, { wanted: 'confirmation' })
            return false
          }
        },
        question ? { question } : {},
      )
      return asked.kind === 'done' && asked.value
    },

    forgetFailures() {
      metadata.forgetFailure(app.issuer)
    },
  }
}

function toPollOutcome(outcome: GrantOutcome): PollOutcome {
  const code = outcome.kind === 'unavailable' ? outcome.failure.code : undefined
  return code === 'authorization_pending' || code === 'slow_down'
    ? { kind: 'pending', slowDown: code === 'slow_down' }
    : outcome
}

function scopeParameter({ scopes }: App): Record<string, string> {
  return scopes.length > 0 ? { scope: scopes.join(' ') } : {}
}

/** Whether the server says who it is in an authorization response (RFC 9207 §3). */
function namesItself(metadata: ServerMetadata): boolean {
  return metadata.authorization_response_iss_parameter_supported === true
}

function toFailed(
  outcome: FailedOutcome | EndpointFailure,
): Extract<ServerResult<never>, { kind: 'failed' }> {
  const lasting = outcome.kind === 'misconfigured' || outcome.kind === 'rejected'
  return {
    kind: 'failed',
    code: lasting ? 'misconfigured' : 'unavailable',
    failure: outcome.failure,
  }
}
