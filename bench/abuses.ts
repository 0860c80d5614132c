/** What an attacker without a key does to the daemon in the bench. */
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
  /** Says that it is done after so many times, instead of that it has begun. */
  readonly until?: number
}

/** How often it was done so far. */
export interface Done {
  readonly done: number
}
