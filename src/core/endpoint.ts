/** What a running daemon tells its clients about itself: `endpoint.json`. */
export interface Endpoint {
  /** Absent where the service manager handed the socket over. */
  readonly socket?: string
  readonly url?: string
  readonly pid: number
}
