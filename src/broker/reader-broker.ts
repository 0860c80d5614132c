/** A reader's broker: it serves the tokens of copies, and refuses everything else. */
import { NO_RENEWALS } from '../core/renewal-counts.ts'
import { appsOf, type Registration } from '../core/registration.ts'
import { planReload, type ReloadPlan } from '../core/reload-plan.ts'
import { SidecarError } from '../errors.ts'
import { Queue } from '../queue.ts'
import type { Broker } from './broker.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { ReaderSharing } from './sharing/reader-sharing.ts'
import type { RemoteApp } from './sharing/remote-app.ts'
import { SignIns } from './sign-ins.ts'

/** What the daemon needs: the broker of a keeper or of a reader. */
export type AnyBroker = { readonly [Method in keyof Broker]: Broker[Method] }

type Options = Pick<BrokerOptions, 'clock' | 'sleep' | 'listener' | 'newId' | 'onChange'>

export function createReaderBroker(
  sharing: ReaderSharing,
  options: Options,
  registrations: readonly Registration[],
): AnyBroker {
  const reloads = new Queue()
  let configured = registrations
  sharing.configure(configured.map(({ app }) => app))
  const find = (app: string): RemoteApp => {
    const found = sharing.find(app)
    if (!found) throw new SidecarError('unknown_app', `No app named "${app}" is configured.`)
    return found
  }
  const refuse = (app: string): never => {
    find(app)
    throw keepersOnly()
  }
  return {
    signIns: new SignIns({ ...options, findApp: refuse }),
    appNames: () => sharing.names(),
    hasApp: (app) => sharing.find(app) !== undefined,
    open: async () => undefined,
    beat: () => undefined,
    stop: async () => undefined,
    drain: async () => undefined,
    status: (app) => find(app).status(),
    problems: (app) => find(app).problems(),
    issuer: (app) => find(app).app.issuer,
    readiness: (app) => find(app).readiness(),
    token: (app, ask) => find(app).token(ask),
    refresh: async (app, ask) => find(app).refresh(ask.rejectedSha256),
    logout: async (app) => refuse(app),
    putClientSecret: async (app) => refuse(app),
    leaveSharing: () => Promise.reject(keepersOnly()),
    isHome: () => false,
    renewals(app) {
      find(app)
      return NO_RENEWALS
    },
    holds(sha256) {
      const held = new Set(sharing.names().map((app) => find(app).tokens?.accessToken.sha256))
      return sha256.filter((candidate) => held.has(candidate))
    },
    accessToken: (app) => sharing.find(app)?.tokens?.accessToken,
    vaultKey: {
      source: () => undefined,
      rotate: () => Promise.reject(keepersOnly()),
      move: () => Promise.reject(keepersOnly()),
    },
    reload: (next): Promise<ReloadPlan> =>
      reloads.run(async () => {
        await sharing.loadKeys()
        const plan = planReload(appsOf(configured), appsOf(next))
        configured = next
        sharing.configure(next.map(({ app }) => app))
        return plan
      }),
  }
}

/** A reader changes nothing. */
export function keepersOnly(): SidecarError {
  return new SidecarError('forbidden', 'This daemon is a reader: it has no session to change.', {
    hint: 'Do it at a keeper; `evo-token share status` there names the home of each app.',
  })
}
