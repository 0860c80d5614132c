/** What a running daemon writes down about itself, for its clients: `endpoint.json`. */
export interface Endpoint {
  /** Absent where the service manager handed the socket over. */
  readonly socket?: string
  readonly url?: string
  readonly pid: number
}
