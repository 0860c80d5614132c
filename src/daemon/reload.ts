/** The answer to a reload: what changed, and which settings need a restart. */
import type { LoadedConfig } from '../adapters/config/config-file.ts'
import type { Config } from '../config/config.ts'
import type { ConfigFault } from '../config/faults.ts'
import type { ReloadPlan } from '../core/reload-plan.ts'
import type { AppStatus } from '../core/status.ts'

/** Everything in the config but what a reload brings into force, with the names of the settings. */
const FIXED_SETTINGS: Readonly<Record<Exclude<keyof Config, 'apps' | 'files'>, string>> = {
  listen: 'listen',
  vaultKey: 'vault.key',
  logLevel: 'log.level',
  ca: 'ca',
  notify: 'notify',
  share: 'share',
}

/**
 * @param running the config that the daemon was started with.
 * @param statusOf the status of an app after the reload.
 */
export function describeReload(
  plan: ReloadPlan,
  running: Config,
  { config, warnings }: LoadedConfig,
  statusOf: (app: string) => AppStatus,
) {
  const fixed = Object.keys(FIXED_SETTINGS) as (keyof typeof FIXED_SETTINGS)[]
  const waiting = fixed.filter(
    (setting) => JSON.stringify(running[setting]) !== JSON.stringify(config[setting]),
  )
  return {
    added: plan.added,
    removed: plan.removed,
    changed: plan.changed,
    sign_in_needed: [...plan.added, ...plan.changed].filter((app) => needsSignIn(statusOf(app))),
    restart_needed: waiting.map((setting) => FIXED_SETTINGS[setting]),
    warnings: warnings.map(warningInWords),
  }
}

export function warningInWords({ path, message }: ConfigFault): string {
  return `${path}: ${message}`
}

/** Whether a person has to sign in: the app has no session, or asks for more scopes. */
function needsSignIn({ session, type, problems }: AppStatus): boolean {
  const hasMoreScopes = problems.some(({ code }) => code === 'scope_changed')
  return type !== 'service' && (session === 'signed-out' || hasMoreScopes)
}
