/** Metrics for Prometheus: gauges of the apps, read at each scrape, and the results of renewals. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { RenewalCounts } from '../core/renewal-counts.ts'
import type { SessionName } from '../core/session.ts'
import type { AppStatus } from '../core/status.ts'
import type { Instant } from '../core/token.ts'
import type { TokenBroker } from './deps.ts'

const SESSION_NAMES: readonly SessionName[] = ['active', 'retrying', 'misconfigured', 'signed-out']

export interface Metrics {
  readonly contentType: string
  readonly text: string
}

/** The metrics of `apps`, those that the caller may see. */
export async function metricsOf(
  broker: Pick<TokenBroker, 'status' | 'readiness' | 'renewals' | 'isHome'>,
  apps: readonly string[],
  version: string,
): Promise<Metrics> {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `evo_token_${name}`, help, labelNames, registers })
  const statuses = apps.map((app) => broker.status(app))
  const perApp = (name: string, help: string, of: (status: AppStatus) => number | undefined) => {
    const one = gauge(name, help, 'app')
    for (const status of statuses) {
      const value = of(status)
      if (value !== undefined) one.set({ app: status.app }, value)
    }
  }

  gauge('build_info', 'The version that runs; always 1.', 'version').set({ version }, 1)
  perApp('app_ready', 'Whether a token can be served (1) or not (0).', ({ app }) =>
    Number(broker.readiness(app).ready),
  )
  const session = gauge(
    'app_session',
    'The state of the session: 1 for the one it is in.',
    'app',
    'session',
  )
  for (const { app, session: now } of statuses) {
    for (const name of SESSION_NAMES) session.set({ app, session: name }, Number(name === now))
  }
  perApp('access_token_expiry_timestamp_seconds', 'When the access token ends.', (status) =>
    toSeconds(status.expiresAt),
  )
  perApp(
    'access_token_received_timestamp_seconds',
    'When the access token was received.',
    (status) => toSeconds(status.refreshedAt),
  )
  perApp('app_home', 'Whether another keeper renews the app (0) or this daemon (1).', (status) =>
    Number(broker.isHome(status.app)),
  )
  perApp('renewal_failures', 'Renewals that failed in a row.', ({ failures }) => failures)
  const renewals = new Counter({
    name: 'evo_token_renewals_total',
    help: 'Results of renewals and sign-ins since the daemon started.',
    labelNames: ['app', 'outcome'],
    registers,
  })
  for (const { app } of statuses) {
    const counts: RenewalCounts = broker.renewals(app)
    for (const [outcome, count] of Object.entries(counts)) renewals.inc({ app, outcome }, count)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

function toSeconds(instant: Instant | null): number | undefined {
  return instant === null ? undefined : instant / 1000
}
