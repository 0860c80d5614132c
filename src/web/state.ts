/** All that the page knows, and how long it looks back. The views are functions of it. */
import type { About, AppStatus, CallerEntry, HourCount, Item, Verdict } from './wire.ts'

export const RANGES = { '24 hours': 24, '7 days': 7 * 24, '30 days': 30 * 24 } as const

export type Range = keyof typeof RANGES

export type ConnectionState =
  | 'opening'
  | 'live'
  /** The daemon has said that it stops. */
  | 'stopping'
  | 'lost'
  /** The key is not good any more, or there is none. */
  | 'ended'
  /** A service worker of another program stands between the page and the daemon. */
  | 'intercepted'
  /** A person closed it. */
  | 'closed'

export interface Told {
  readonly isFault: boolean
  readonly text: string
}

export interface Doctor {
  readonly isRunning: boolean
  readonly verdicts: readonly Verdict[]
  readonly fault?: string
}

export interface State {
  connection: ConnectionState
  readonly apps: Map<string, AppStatus>
  about: About | undefined
  callers: readonly CallerEntry[]
  /** Newest first. */
  items: readonly Item[]
  hours: readonly HourCount[]
  range: Range
  /** How many cards are drawn: some more in each frame, until all are. */
  drawnCards: number
  showsAllRows: boolean
  shownItems: number
  filters: { readonly app: string; readonly caller: string; readonly kind: string }
  doctor: Doctor | undefined
  /** What came of a click, by app. */
  readonly told: Map<string, Told>
  /** Apps whose request is out. */
  readonly busy: Set<string>
  /** The app whose next click on "Sign out" counts. */
  signingOut: string | undefined
  /** Links of sign-ins whose window the browser did not open. */
  readonly signInLinks: Map<string, string>
}

/** More than a screen shows. */
export const CARDS_AT_ONCE = 40

/** More than a person reads; the plots are of these too. */
export const ITEMS_MAX = 5_000

export function createState(): State {
  return {
    connection: 'opening',
    apps: new Map(),
    about: undefined,
    callers: [],
    items: [],
    hours: [],
    range: '24 hours',
    drawnCards: CARDS_AT_ONCE,
    showsAllRows: false,
    shownItems: 20,
    filters: { app: '', caller: '', kind: '' },
    doctor: undefined,
    told: new Map(),
    busy: new Set(),
    signingOut: undefined,
    signInLinks: new Map(),
  }
}

/** What needs a person first, then by name. */
export function sortedApps({ apps }: State): readonly AppStatus[] {
  const urgency = ({ problem }: AppStatus) => (problem ? (problem.blocking ? 0 : 1) : 2)
  return [...apps.values()].sort(
    (one, other) => urgency(one) - urgency(other) || one.app.localeCompare(other.app),
  )
}

export function matchingItems({ items, filters: { app, caller, kind } }: State): readonly Item[] {
  return items.filter(
    (item) =>
      (app === '' || item.app === app) &&
      (caller === '' || item.caller === caller) &&
      (kind === '' || item.kind === kind),
  )
}
