/** What happens besides when an app changes: token files are rewritten, a person is told. */
import type { Notifier } from '../adapters/notifier.ts'
import type { TokenFiles } from '../adapters/token-files.ts'
import {
  type AttentionEvent,
  attentionEvent,
  type Need,
  needOf,
  secretMends,
} from '../core/attention.ts'
import type { Log } from '../core/ports.ts'
import type { AppStatus } from '../core/status.ts'
import type { Instant, Sealed } from '../core/token.ts'

export interface Observed {
  status(app: string): AppStatus
  accessToken(app: string): Sealed | undefined
}

export interface ObserverDeps {
  readonly files: TokenFiles
  readonly notifier: Notifier
  readonly log: Log
}

export function createObserver({ files, notifier, log }: ObserverDeps) {
  const needs = new Map<string, Need>()

  async function observe(app: string, broker: Observed): Promise<void> {
    const status = broker.status(app)
    const need = needOf(status)
    const event = attentionEvent(needs.get(app), need)
    if (need) needs.set(app, need)
    else needs.delete(app)
    await files.update(app, broker.accessToken(app))
    if (event) await notifier.tell(app, event, HINTS[event](status))
  }

  /** A rim: nobody waits for this, so what goes wrong in it is told here. */
  return (app: string, broker: Observed): void => {
    observe(app, broker).catch((error: unknown) => {
      log.error({ app, err: error }, 'telling of a change failed')
    })
  }
}

const HINTS: Readonly<Record<AttentionEvent, (status: AppStatus) => string>> = {
  login_required: ({ app }) => `Sign in again: evo-token login ${app}`,
  misconfigured: ({ app, type, session, lastError }) =>
    secretMends({ type, session, error: lastError?.error })
      ? `Store its client secret: evo-token secret ${app}`
      : `See what the server refuses: evo-token status ${app}`,
  login_expires: ({ app, sessionExpiresAt }) => {
    const until = sessionExpiresAt === null ? '' : ` ends on ${toLocal(sessionExpiresAt)}`
    return `The sign-in${until}. Renew it when it suits you: evo-token login ${app}`
  },
  recovered: ({ app }) => `${app} is well again.`,
}

/** For a person at this machine: its own time zone, to the minute. */
function toLocal(instant: Instant): string {
  return new Date(instant).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })
}
