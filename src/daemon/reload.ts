/** What a reload answers: what changed, and what only a restart takes over. */
import type { LoadedConfig } from '../adapters/config-file.ts'
import type { Config } from '../config.ts'
import type { ReloadPlan } from '../core/reload-plan.ts'
import type { AppStatus } from '../core/status.ts'

/** Settings that parts are made with once. */
const FIXED = ['listen', 'vaultKey', 'logLevel', 'ca', 'notify'] as const

const NAMES: Readonly<Record<(typeof FIXED)[number], string>> = {
  listen: 'listen',
  vaultKey: 'vault.key',
  logLevel: 'log.level',
  ca: 'ca',
  notify: 'notify',
}

/**
 * @param running the config that the daemon was started with.
 * @param statusOf tells how an app is now.
 */
export function reloadAnswer(
  plan: ReloadPlan,
  running: Config,
  { config, warnings }: LoadedConfig,
  statusOf: (app: string) => AppStatus,
) {
  const waiting = FIXED.filter(
    (setting) => JSON.stringify(running[setting]) !== JSON.stringify(config[setting]),
  )
  return {
    added: plan.added,
    removed: plan.removed,
    changed: plan.changed,
    sign_in_needed: [...plan.added, ...plan.changed].filter((app) => needsSignIn(statusOf(app))),
    restart_needed: waiting.map((setting) => NAMES[setting]),
    warnings: warnings.map(({ path, message }) => `${path}: ${message}`),
  }
}

/** What the server knows nothing of yet: another app than before, or more scopes. */
function needsSignIn({ session, type, lastError }: AppStatus): boolean {
  return type !== 'service' && (session === 'signed-out' || lastError?.code === 'scope_changed')
}
