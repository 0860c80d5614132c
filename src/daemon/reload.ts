/** What a reload answers: what changed, and what only a restart takes over. */
import type { LoadedConfig } from '../adapters/config-file.ts'
import type { Config } from '../config.ts'
import type { ReloadPlan } from '../core/reload-plan.ts'

/** Settings that parts are made with once. */
const FIXED = ['listen', 'vaultKey', 'logLevel', 'ca', 'notify', 'files'] as const

const NAMES: Readonly<Record<(typeof FIXED)[number], string>> = {
  listen: 'listen',
  vaultKey: 'vault.key',
  logLevel: 'log.level',
  ca: 'ca',
  notify: 'notify',
  files: 'files',
}

/** @param running the config that the daemon was started with. */
export function reloadAnswer(
  plan: ReloadPlan,
  running: Config,
  { config, warnings }: LoadedConfig,
) {
  const waiting = FIXED.filter(
    (setting) => JSON.stringify(running[setting]) !== JSON.stringify(config[setting]),
  )
  return {
    added: plan.added,
    removed: plan.removed,
    changed: plan.changed,
    restart_needed: waiting.map((setting) => NAMES[setting]),
    warnings: warnings.map(({ path, message }) => `${path}: ${message}`),
  }
}
