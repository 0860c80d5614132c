/** The parameters of an authorization request (RFC 6749 §4.1.1) with PKCE (RFC 7636), S256 always. */
import type { App } from '../../core/app.ts'
import type { Failure } from '../../core/ports.ts'

export interface RequestParameters {
  readonly redirectUri: string
  readonly state: string
  readonly codeChallenge: string
  /** Whether the server should let the person choose another user, although it knows one. */
  readonly switchUser: boolean
}

/** What the config adds comes first, so that it cannot replace the parameters that keep the request safe. */
export function authorizationParameters(
  { authorizationParameters: added, clientId, scopes }: App,
  { redirectUri, state, codeChallenge, switchUser }: RequestParameters,
): Record<string, string> {
  return {
    ...added,
    ...(switchUser && { prompt: promptWithLogin(added.prompt) }),
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    state,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  }
}

function promptWithLogin(prompt = ''): string {
  return prompt.split(' ').includes('consent') ? 'login consent' : 'login'
}

/** Why a request would be unsafe: its response could not be told from one of the other issuer. */
export function redirectUriShared({ name, issuer }: App, redirectUri: string): Failure {
  return {
    code: 'shared_redirect_uri',
    message: `An app of another issuer has the redirect URI ${redirectUri}, too, and ${issuer} does not say in its responses who sent them (RFC 9207). Give the app "${name}" a redirect URI of its own.`,
  }
}
