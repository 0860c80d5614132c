/** Valid values for tests: a test writes only the field that it is about. */
import type { App } from '../../src/core/app.ts'
import type { Log } from '../../src/core/ports.ts'
import type { Grant, Reading, TokenSet } from '../../src/core/token.ts'
import { Secret } from '../../src/secret.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const NOW: Reading = { wall: Date.UTC(2026, 0, 1), mono: 1_000_000 }

/** Both clocks, `ms` later. */
export function later(ms: number, from: Reading = NOW): Reading {
  return { wall: from.wall + ms, mono: from.mono + ms }
}

export function tokenSet(overrides: Partial<TokenSet> = {}): TokenSet {
  return {
    accessToken: new Secret('at-1'),
    refreshToken: new Secret('rt-1'),
    received: NOW,
    lifetimeMs: HOUR,
    draw: 0,
    scope: 'evo.discovery evo.workspace',
    ...overrides,
  }
}

export function grant(overrides: Partial<Grant> = {}): Grant {
  return {
    accessToken: new Secret('at-2'),
    refreshToken: new Secret('rt-2'),
    lifetimeMs: HOUR,
    ...overrides,
  }
}

export function app(overrides: Partial<App> = {}): App {
  return {
    name: 'evo-me',
    type: 'native',
    clientId: 'native-1',
    issuer: 'https://issuer.example',
    endpoints: {},
    tokenEndpointAuthMethod: 'none',
    redirectUris: ['http://localhost:3000/signin-callback'],
    scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
    authorizationParameters: {},
    refresh: { aheadMs: 10 * MINUTE, retryMinMs: 5 * SECOND, retryMaxMs: 5 * MINUTE },
    sharesRedirectUri: false,
    ...overrides,
  }
}

export function serviceApp(overrides: Partial<App> = {}): App {
  return app({
    name: 'evo-pipeline',
    type: 'service',
    clientId: 'service-1',
    tokenEndpointAuthMethod: 'client_secret_post',
    redirectUris: [],
    scopes: ['evo.discovery', 'evo.workspace'],
    ...overrides,
  })
}

/** What tells one served token from another. */
export function tokenOf(value: string): { readonly fingerprint: string } {
  return { fingerprint: new Secret(value).fingerprint }
}

/** A log that keeps its lines. */
export function recordingLog(): Log & { readonly lines: { level: string; message: string }[] } {
  const lines: { level: string; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message: `${message} ${JSON.stringify(fields)}` })
  }
  return {
    lines,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}
