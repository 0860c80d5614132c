/** What the bench has somebody do to the daemon who has no key. */
export const ABUSES = [
  'bad keys',
  'idle connections',
  'new connections',
  'slow headers',
  'slow bodies',
  'pipelined requests',
  '1 MB headers',
  '10 MB bodies',
  'wrong lengths',
] as const

export type Abuse = (typeof ABUSES)[number]

export interface AbuseOrder {
  readonly abuse: Abuse
  readonly port: number
}

/** What was done so far; sent when it began to be done, and when it was told to stop. */
export interface Done {
  readonly done: number
}
