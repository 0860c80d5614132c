/** What is wrong with the daemon itself, and with no app; for the owner only, in `GET /v1/apps`. */
export interface DaemonProblem {
  readonly error: 'notify_failed' | 'vault_key_elsewhere' | 'restart_needed'
  readonly message: string
  readonly hint: string
}
