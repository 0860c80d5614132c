/** What the broker and its apps are given. */
import type { NewActivity } from '../core/activity.ts'
import type { App } from '../core/app.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { Words } from '../core/case-row.ts'
import type { Sleep } from './wait-at-most.ts'

export interface BrokerDeps {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly sleep: Sleep
  readonly log: Log
  /** Called whenever something that `status` tells may have changed. */
  readonly onChange: (app: string) => void
  /** Called with each entry of the activity. It must not wait. */
  readonly onActivity: (happened: NewActivity) => void
  /** What is wrong with one of the app's token files. */
  readonly fileFaultOf: (app: string) => Words | undefined
  /** Called with each app that was granted a token. */
  readonly onGrant: (app: App) => void
}
