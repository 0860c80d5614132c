/** What is wrong with the daemon itself, and with no app; for the owner only, in `GET /v1/apps`. */
export const DAEMON_PROBLEMS = ['notify_failed', 'vault_key_elsewhere', 'restart_needed'] as const

export interface DaemonProblem {
  readonly error: (typeof DAEMON_PROBLEMS)[number]
  readonly message: string
  readonly hint: string
}
