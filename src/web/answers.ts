/** The daemon's answers and events, as far as the page reads them. */
import type { Cause } from '../core/activity.ts'

export interface AppStatusAnswer {
  readonly app: string
  readonly type: string
  readonly session: string
  readonly freshness: 'fresh' | 'stale' | 'expired' | 'none'
  readonly expires_at: string | null
  readonly refresh_at: string | null
  readonly refreshed_at: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly problem: {
    readonly error: string
    readonly message: string
    readonly hint: string
    readonly blocking: boolean
  } | null
  readonly subject: string | null
  readonly session_expires_at: string | null
  readonly session_expires_soon: boolean
  /** The keeper that renews the app, where hosts share it. */
  readonly home?: string
}

export interface Item {
  readonly at: string
  readonly app: string | null
  readonly kind: string
  readonly caller: string | null
  readonly cause: Cause | null
  readonly duration_ms: number | null
  readonly error: string | null
  readonly fingerprint: string | null
}

export interface HourCount {
  readonly hour: string
  readonly caller: string | null
  readonly tokens: number
}

export interface CallerAnswer {
  readonly name: string
  readonly apps: readonly string[]
  readonly last_used_at: string | null
  readonly expires_at?: string | null
}

export interface About {
  readonly version: string
  readonly url: string
  readonly socket: string | null
  readonly state_directory: string
  readonly config: string | null
  readonly role: string
  readonly pid: number
  readonly started_at: string
  /** As in `GET /v1/share`. */
  readonly share:
    | { readonly shared: false }
    | { readonly shared: true; readonly name: string; readonly role: string }
  readonly problems: readonly { readonly message: string; readonly hint: string }[]
}

export interface CheckAnswer {
  readonly id: string
  readonly app: string | null
  readonly ok: boolean
  readonly detail: string
  readonly hint: string | null
}

export interface StartedSignInAnswer {
  readonly id: string
  readonly open_url: string | null
  /** Whether the browser can come back to the daemon. */
  readonly listening: boolean
  /** The port to which the browser comes back, where another program has it. */
  readonly busy_port: number | null
}

export interface SignInAnswer {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly message: string | null
}

export type DaemonEvent =
  | { readonly kind: 'status'; readonly data: AppStatusAnswer }
  | { readonly kind: 'removed'; readonly data: { readonly app: string } }
  | { readonly kind: 'activity'; readonly data: Item }
  | { readonly kind: 'stopping' }
