/** The session that a record describes: at start, and after another process wrote the record. */
import type { App } from '../core/app.ts'
import type { Clock } from '../core/ports.ts'
import type { Session } from '../core/session.ts'
import { restore } from '../core/stored-tokens.ts'
import { reassume } from '../core/token.ts'
import type { Ledger } from './ledger.ts'

export function restoreSession(app: App, { record, damaged }: Ledger, clock: Clock): Session {
  const now = clock.read()
  const tokens = record.tokens && reassume(restore(record.tokens, now), app.accessTokenLifetimeMs)
  const held = tokens ? { tokens } : {}
  if (record.lost) return { status: 'signed-out', ...held, error: record.lost }
  // A service app needs no sign-in: it goes on with its secret, or its next renewal says that it has none.
  if (tokens || app.type === 'service') return { status: 'active', ...held }
  if (!damaged) return { status: 'signed-out' }
  const message = `The record of "${app.name}" could not be read. It was set aside, not deleted.`
  return { status: 'signed-out', error: { code: 'record_damaged', message, at: now.wall } }
}

/** The session with the lifetime that the config assumes for its token now. */
export function assumeLifetime({ accessTokenLifetimeMs }: App, session: Session): Session {
  const { tokens } = session
  return tokens ? { ...session, tokens: reassume(tokens, accessTokenLifetimeMs) } : session
}
