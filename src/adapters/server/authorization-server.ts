/**
 * An app's OAuth 2.0 authorization server, by way of openid-client. No error of that library gets
 * past this file: what was expected becomes a value, and what was not is thrown as it is.
 */
import * as oidc from 'openid-client'
import type { App } from '../../core/app.ts'
import type { Asked, AuthorizationServer } from '../../core/ports.ts'
import { Secret } from '../../secret.ts'
import { type AppRequestsOptions, configure, createAppRequests } from './app-requests.ts'
import { authorizationParameters, redirectUriShared } from './authorization-request.ts'
import { refusalOf } from './authorization-response.ts'
import { secretFault } from './client-authentication.ts'
import { tidyDeviceResponse, toDeviceAuthorization } from './device-response.ts'
import type { ServerMetadata } from './discovery.ts'
import { locate, type Needs, type Unlocated } from './endpoints.ts'
import type { FailedOutcome } from './grant-failure.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

export function createAuthorizationServer(options: AppRequestsOptions): AuthorizationServer {
  const { app, metadata } = options
  const requests = createAppRequests(options)

  return {
    secretFault: (clientSecret) => secretFault(app, clientSecret),

    refresh: (refreshToken, spending) =>
      requests.askForTokens(spending, ({ configuration }) =>
        oidc.refreshTokenGrant(configuration, refreshToken.expose()),
      ),

    issue: (clientSecret) =>
      requests.askForTokens({ clientSecret }, ({ configuration }) =>
        oidc.clientCredentialsGrant(configuration, scopeOf(app)),
      ),

    async authorize(redirectUri, { switchUser }) {
      const located = await locate(app, metadata, {
        endpoints: ['authorization', 'token'],
        metadata: app.sharesRedirectUri,
      })
      if (located.kind !== 'located') return failed(located)
      if (app.sharesRedirectUri && !namesItself(located.metadata)) {
        return failed({ kind: 'misconfigured', failure: redirectUriShared(app, redirectUri) })
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

    redeem: (request, callback, spending) =>
      requests.askForTokens(
        spending,
        ({ configuration, server }) => {
          const { state, codeVerifier } = request
          const refusal = refusalOf(callback.searchParams, {
            state,
            issuer: server.issuer,
            issuerRequired: app.sharesRedirectUri || namesItself(server),
          })
          if (refusal) return refusal
          const current = new URL(request.redirectUri)
          current.search = callback.search
          return oidc.authorizationCodeGrant(configuration, current, {
            expectedState: state,
            pkceCodeVerifier: codeVerifier.expose(),
          })
        },
        {
          needs: { endpoints: ['token'], metadata: app.sharesRedirectUri },
          code: new Secret(callback.searchParams.get('code') ?? ''),
          // The library derives it from the callback; the server compares it letter by letter.
          adjust: (form) => {
            form.set('redirect_uri', request.redirectUri)
          },
        },
      ),

    async authorizeDevice(clientSecret) {
      const needs: Needs = { endpoints: ['deviceAuthorization', 'token'], metadata: false }
      const prepared = await requests.prepare(needs, clientSecret, { tidy: tidyDeviceResponse })
      if (prepared.kind !== 'prepared') return failed(prepared)
      const { configuration, failed: failedTo } = prepared
      try {
        const response = await oidc.initiateDeviceAuthorization(configuration, scopeOf(app))
        return { kind: 'ok', value: toDeviceAuthorization(response) }
      } catch (error) {
        return failed(failedTo(error, { wanted: 'device code' }))
      }
    },

    async poll({ deviceCode }, spending) {
      const outcome = await requests.askForTokens(
        spending,
        ({ configuration }) =>
          oidc.genericGrantRequest(configuration, DEVICE_GRANT, {
            device_code: deviceCode.expose(),
          }),
        { final: ['expired_token', 'access_denied'] },
      )
      const code = outcome.kind === 'unavailable' ? outcome.failure.error : undefined
      return code === 'authorization_pending' || code === 'slow_down'
        ? { kind: 'pending', slowDown: code === 'slow_down' }
        : outcome
    },

    async revoke(token, kind, clientSecret) {
      const prepared = await requests.prepare(
        { endpoints: ['revocation'], metadata: false },
        clientSecret,
      )
      if (prepared.kind !== 'prepared') return false
      const { configuration, failed: failedTo } = prepared
      try {
        await oidc.tokenRevocation(configuration, token.expose(), { token_type_hint: kind })
        return true
      } catch (error) {
        // Throws what is our own mistake; the rest means "not confirmed".
        failedTo(error, { wanted: 'confirmation' })
        return false
      }
    },
  }
}

function scopeOf({ scopes }: App): Record<string, string> {
  return scopes.length > 0 ? { scope: scopes.join(' ') } : {}
}

/** Whether the server says who it is in an authorization response (RFC 9207 §3). */
function namesItself(metadata: ServerMetadata): boolean {
  return metadata.authorization_response_iss_parameter_supported === true
}

function failed(outcome: FailedOutcome | Unlocated): Extract<Asked<never>, { kind: 'failed' }> {
  const lasting = outcome.kind === 'misconfigured' || outcome.kind === 'rejected'
  return {
    kind: 'failed',
    code: lasting ? 'misconfigured' : 'unavailable',
    failure: outcome.failure,
  }
}
