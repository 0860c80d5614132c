/** Each case of what can be wrong with an app: from the state of its session to the words for both audiences. */
import { describe, expect, it } from 'vitest'
import { needOf } from '../../src/core/attention.ts'
import { ERROR_CODES } from '../../src/core/error-codes.ts'
import type { AppFacts } from '../../src/core/find-cases.ts'
import {
  copyProblem,
  problemBeforeSession,
  problemsOf,
  renewalUnderWay,
} from '../../src/core/problem.ts'
import { CASES, type ProblemCase } from '../../src/core/problem-cases.ts'
import { remedyFor } from '../../src/core/remedy.ts'
import type { Session } from '../../src/core/session.ts'
import type { App } from '../../src/core/app.ts'
import { app, HOUR, later, NOW, serviceApp, tokenSet } from '../support/builders.ts'

const native = app({ name: 'evo-me', scopes: ['evo.discovery', 'offline_access'] })
const service: App = serviceApp()
const web: App = { ...native, type: 'web', tokenEndpointAuthMethod: 'client_secret_post' }
const ada = { subject: { id: 'user-1', name: 'ada@example.org' } }

/** An active session whose token has an hour to live, unless a test says otherwise. */
function facts(changes: Partial<AppFacts> = {}): AppFacts {
  return {
    app: native,
    session: { status: 'active', tokens: tokenSet(ada) },
    now: NOW,
    newer: false,
    missingScopes: [],
    isTokenRefused: false,
    ...changes,
  }
}

function failed(code: string, message = 'Words of the server') {
  return { code, message, at: NOW.wall }
}

const over = later(2 * HOUR)

const signedOut = (error: string): Session => ({
  status: 'signed-out',
  tokens: tokenSet(ada),
  error: failed(error),
})

const misconfigured = (error: string): Session => ({
  status: 'misconfigured',
  error: failed(error),
  retryAt: 0,
})

const retrying = (error: string, count = 1): Session => ({
  status: 'retrying',
  tokens: tokenSet(ada),
  error: failed(error),
  failures: count,
  retryAt: 0,
  mayEndEarly: true,
  refusals: { refusal: '400 odd', count },
})

/** How each case comes about; what is left out here has a test of its own below. */
const REACHED: Readonly<Partial<Record<ProblemCase, Partial<AppFacts>>>> = {
  signed_out: { session: { status: 'signed-out' } },
  token_ended: { session: { status: 'active', tokens: withoutRefreshToken() }, now: over },
  invalid_grant: { session: signedOut('invalid_grant'), now: over },
  interaction_required: { session: signedOut('interaction_required'), now: over },
  login_required: { session: signedOut('login_required'), now: over },
  account_selection_required: { session: signedOut('account_selection_required'), now: over },
  consent_required: { session: signedOut('consent_required'), now: over },
  refresh_refused: { session: retrying('odd', 3), now: over },
  answer_lost: { session: signedOut('answer_lost'), now: over },
  record_damaged: { session: signedOut('record_damaged'), now: over },
  secret_forgotten: { app: service, session: { status: 'signed-out' } },
  service_signed_out: {
    app: { ...service, tokenEndpointAuthMethod: 'none' },
    session: { status: 'signed-out' },
  },
  client_secret_missing: { app: service, session: misconfigured('client_secret_missing') },
  private_key_missing: {
    app: { ...service, tokenEndpointAuthMethod: 'private_key_jwt' },
    session: misconfigured('private_key_missing'),
  },
  invalid_client: { session: misconfigured('invalid_client') },
  unauthorized_client: { session: misconfigured('unauthorized_client') },
  unsupported_grant_type: { session: misconfigured('unsupported_grant_type') },
  invalid_scope: { session: misconfigured('invalid_scope') },
  invalid_request: { session: misconfigured('invalid_request') },
  invalid_target: { session: misconfigured('invalid_target') },
  no_bearer_token: { session: misconfigured('no_bearer_token') },
  no_endpoint: { session: misconfigured('no_endpoint') },
  no_metadata: { session: misconfigured('no_metadata') },
  app_refused: { session: misconfigured('made_up_by_the_server') },
  unavailable: { session: retrying('server_error'), now: over },
  renewing: { now: over },
  vault_unwritable: { session: retrying('vault_unwritable') },
  not_stored: { unstored: { code: 'vault_unwritable', message: 'The disk is full.' } },
  record_newer: { newer: true },
  token_refused: { isTokenRefused: true },
  last_token_refused: {
    session: { status: 'active', tokens: withoutRefreshToken() },
    isTokenRefused: true,
  },
  scope_changed: { missingScopes: ['evo.file'] },
  session_expires: { endsSoonAt: later(24 * HOUR).wall },
  file_unwritable: { fileFault: { message: '~/.env cannot be written.', hint: 'Make room.' } },
  not_confirmed: {
    homeFault: {
      case: 'not_confirmed',
      words: { message: 'The database cannot be reached.', hint: 'See to it.' },
    },
    now: over,
  },
  still_shared: { homeFault: { case: 'still_shared', words: undefined }, now: over },
}

/** Of an app whose home is elsewhere. */
const COPIES = [
  'copy_missing',
  'copy_ended',
  'signed_out_elsewhere',
  'secret_forgotten_elsewhere',
  'service_signed_out_elsewhere',
  'reader_key_missing',
] as const

/** Of apps that have a secret, or had one. */
const SECRETS = new Set<ProblemCase>([
  'secret_forgotten',
  'secret_forgotten_elsewhere',
  'client_secret_missing',
  'private_key_missing',
])

/** Of apps with a sign-in. */
const PERSONAL = new Set<ProblemCase>(['scope_changed', 'session_expires', 'last_token_refused'])

function withoutRefreshToken() {
  const { refreshToken, ...rest } = tokenSet(ada)
  return rest
}

describe('each case', () => {
  it('comes about', () => {
    // Of a record that is not here yet, and of a wish that only a person could fulfil.
    const { vault_locked: elsewhere, record_unread: unread, not_renewable: wish, ...rest } = CASES
    expect([...Object.keys(REACHED), ...COPIES].sort()).toEqual(Object.keys(rest).sort())
    const codes = [elsewhere, unread, wish].map(({ code }) => code)
    expect(codes).toEqual(['vault_locked', 'unavailable', 'login_required'])
  })

  it.each(COPIES)('%s is told of an app whose home is elsewhere', (name) => {
    const { case: told, blocking, callers, owner } = copyProblem(native, name, 'hub-1')
    expect([told, blocking]).toEqual([name, true])
    for (const { message, hint } of [callers, owner]) {
      expect(message).toMatch(/^["A-Z].*[.]$/)
      expect(hint).toMatch(/\.$/)
      expect(`${message} ${hint}`).not.toMatch(/undefined|\bAPP\b/)
    }
    // Where the home is concerns the owner alone.
    expect(JSON.stringify(callers)).not.toContain('hub-1')
  })

  it.each(Object.entries(REACHED))('%s is told in its own words', (name, changes) => {
    const [problem] = problemsOf(facts(changes))
    expect(problem?.case).toBe(name)
    for (const { message, hint } of [problem?.callers, problem?.owner].filter((one) => !!one)) {
      expect(message).toMatch(/^["A-Z~].*[.]$/)
      expect(message).not.toContain('undefined')
      expect(hint).toMatch(/\.$/)
      // The app's own name, so that a command can be copied.
      expect(`${message} ${hint}`).not.toMatch(/\bAPP\b/)
    }
  })

  it.each(Object.entries(REACHED))(
    '%s tells callers nothing of the server or the person',
    (_, changes) => {
      const [problem] = problemsOf(facts(changes))
      expect(JSON.stringify(problem?.callers)).not.toMatch(
        /Words of the server|ada@|user-1|~\/\.env/,
      )
    },
  )

  it.each(Object.entries(CASES))('%s has a code that a caller can act on', (_, { code }) => {
    const known = [
      ...Object.keys(ERROR_CODES),
      'token_refused',
      'scope_changed',
      'session_expires',
      'file_unwritable',
    ]
    expect(known).toContain(code)
  })
})

describe('the owner is told', () => {
  it('whose sign-in the server ended, and with which words', () => {
    const [problem] = problemsOf(facts(REACHED.invalid_grant))
    expect(problem?.owner).toEqual({
      message:
        'The authorization server has ended the sign-in to "evo-me" for ada@example.org: "Words of the server".',
      hint: 'Sign in: `evo-token login evo-me`.',
    })
    expect(problem?.callers.message).toBe(
      'The authorization server has ended the sign-in to "evo-me".',
    )
  })

  it('what the server says of an app that it refuses', () => {
    const [problem] = problemsOf(facts(REACHED.invalid_scope))
    expect(problem?.owner.message).toBe('No token is issued to "evo-me": Words of the server.')
  })

  it('what can be done about a token file', () => {
    const [problem] = problemsOf(facts(REACHED.file_unwritable))
    expect(problem?.owner).toEqual({ message: '~/.env cannot be written.', hint: 'Make room.' })
  })
})

describe('what to do', () => {
  const hintFor = (changes: Partial<AppFacts>) => problemsOf(facts(changes))[0]?.callers.hint

  it.each([
    [{ ...native, type: 'native' as const }, 'Correct "clientId"'],
    [{ ...native, type: 'spa' as const }, 'Correct "clientId"'],
    [web, '`evo-token secret evo-me`'],
    [service, '`evo-token secret evo-pipeline`'],
    [{ ...service, tokenEndpointAuthMethod: 'private_key_jwt' as const }, '--private-key FILE'],
    [{ ...web, tokenEndpointAuthMethod: 'none' as const }, 'Correct "clientId"'],
  ])('about a refused client knows whether it has a secret: $type', (one, what) => {
    expect(hintFor({ app: one, session: misconfigured('invalid_client') })).toContain(what)
  })

  it('about a signed-out service app is no sign-in', () => {
    expect(hintFor({ app: service, session: { status: 'signed-out' } })).toBe(
      'Store its client secret: `evo-token secret evo-pipeline`.',
    )
  })

  it('about a session without a refresh token names offline_access, where it was not asked for', () => {
    const ended = {
      session: { status: 'active' as const, tokens: withoutRefreshToken() },
      now: over,
    }
    const asked = { ...native, scopes: ['evo.discovery'] }
    expect(hintFor({ ...ended, app: asked })).toContain('offline_access')
    expect(hintFor(ended)).toBe('Sign in: `evo-token login evo-me`.')
  })

  it('about a service app is never a sign-in, nor a secret that it has not', () => {
    const secretless: App = { ...service, tokenEndpointAuthMethod: 'none' }
    for (const found of [...COPIES, ...Object.keys(CASES)] as ProblemCase[]) {
      // The server ends sessions of persons only; see "about a service app that the server rejects".
      if (CASES[found].code === 'login_required' || PERSONAL.has(found)) continue
      expect(remedyFor(service, found), found).not.toMatch(/evo-token login|[Ss]ign in/)
      if (SECRETS.has(found)) continue
      expect(remedyFor(secretless, found), found).not.toMatch(/evo-token secret/)
    }
    for (const found of COPIES) {
      const { callers, owner } = copyProblem(service, found, 'hub-1')
      expect(JSON.stringify([callers, owner])).not.toMatch(/evo-token login|[Ss]ign in|signed in/)
    }
    expect(copyProblem(service, 'signed_out_elsewhere', 'hub-1').owner).toEqual({
      message: '"evo-pipeline" was signed out, and its client secret forgotten; its home is hub-1.',
      hint: 'Store its client secret at the keeper that is its home: `evo-token secret evo-pipeline`.',
    })
    expect(copyProblem(secretless, 'signed_out_elsewhere', 'hub-1').owner).toEqual({
      message: '"evo-pipeline" was signed out; its home is hub-1.',
      hint: 'Get a token again at the keeper that is its home: `evo-token refresh evo-pipeline`.',
    })
  })

  it.each(['native', 'spa'] as const)('about a %s app is never a secret', (type) => {
    for (const found of Object.keys(CASES) as ProblemCase[]) {
      if (SECRETS.has(found)) continue
      expect(remedyFor({ ...native, type }, found), found).not.toMatch(/evo-token secret/)
    }
  })

  it('about a token that an API refused is no refresh where there is no refresh token', () => {
    expect(hintFor(REACHED.token_refused ?? {})).toContain('`evo-token refresh evo-me`')
    expect(hintFor(REACHED.last_token_refused ?? {})).toBe('Sign in: `evo-token login evo-me`.')
  })

  it('about a service app that the server rejects is no sign-in', () => {
    const [problem] = problemsOf(facts({ app: service, session: misconfigured('invalid_grant') }))
    expect(problem).toMatchObject({ case: 'app_refused', code: 'misconfigured' })
  })
})

describe('what blocks', () => {
  it('is nothing while the token is good', () => {
    const [problem] = problemsOf(facts({ session: retrying('server_error') }))
    expect(problem).toMatchObject({
      blocking: false,
      callers: {
        message: 'The last attempt to get a token for "evo-me" failed. Its token is still good.',
      },
    })
  })

  it('comes before what is wrong besides', () => {
    const several = facts({
      session: retrying('server_error'),
      unstored: { code: 'vault_unwritable', message: 'The disk is full.' },
      missingScopes: ['evo.file'],
      endsSoonAt: later(24 * HOUR).wall,
    })
    expect(problemsOf(several).map((problem) => [problem.case, problem.blocking])).toEqual([
      ['not_stored', true],
      ['unavailable', false],
      ['scope_changed', false],
      ['session_expires', false],
    ])
  })

  it('is the disk, for a session that could not survive a restart', () => {
    const unwritable = { session: retrying('vault_unwritable') }
    expect(problemsOf(facts(unwritable))[0]).toMatchObject({
      blocking: true,
      code: 'unavailable',
      reason: 'vault_unwritable',
    })
    expect(problemsOf(facts({ ...unwritable, app: service }))[0]?.blocking).toBe(false)
  })

  it('is a locked vault, whose reason is for the owner', () => {
    const words = { message: 'The keychain is locked.', hint: 'Unlock it.' }
    const problem = problemBeforeSession(native, 'vault_locked', words)
    expect(problem).toMatchObject({
      code: 'vault_locked',
      blocking: true,
      callers: { message: 'The vault is locked.' },
      owner: { message: 'The keychain is locked.', hint: 'Unlock it.' },
    })
  })

  it('is a record that cannot be read now, and why is for the owner', () => {
    const words = { message: 'Too many files are open.', hint: 'It is read again by itself.' }
    expect(problemBeforeSession(native, 'record_unread', words)).toMatchObject({
      code: 'unavailable',
      reason: 'record_unread',
      blocking: true,
      callers: { message: 'The record of "evo-me" cannot be read now.' },
      owner: words,
    })
  })

  it('is a renewal under way, shortly', () => {
    expect(renewalUnderWay(native)).toMatchObject({ code: 'unavailable', blocking: true })
  })
})

describe('a person is needed', () => {
  it.each([
    ['not for an app that is not signed in yet', REACHED.signed_out, undefined],
    ['not for a service app that a person signed out', REACHED.secret_forgotten, undefined],
    ['for a session that was lost', REACHED.invalid_grant, 'login_required'],
    ['for an app that the server refuses', REACHED.invalid_client, 'misconfigured'],
    [
      'for a server that refuses in the same way again and again',
      REACHED.refresh_refused,
      'login_required',
    ],
    ['not for what is tried again', REACHED.unavailable, undefined],
    ['for a session that ends soon', REACHED.session_expires, 'login_expires'],
  ] as const)('%s', (_, changes, need) => {
    expect(problemsOf(facts(changes)).map(needOf)).toEqual([need])
  })

  it('for a session that ends soon, also while a refresh fails', () => {
    const both = facts({ session: retrying('server_error'), endsSoonAt: later(HOUR).wall })
    expect(problemsOf(both).map(needOf)).toEqual([undefined, 'login_expires'])
  })
})

it('an app that is well has no problem', () => {
  expect(problemsOf(facts())).toEqual([])
})
