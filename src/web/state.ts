/** The state of the page, of which all views are functions. */
import { HOUR_MS } from '../core/durations.ts'
import type {
  About,
  AppStatusAnswer,
  CallerAnswer,
  HourCount,
  Item,
  CheckAnswer,
} from './answers.ts'

export const RANGES = { '24 hours': 24, '7 days': 7 * 24, '30 days': 30 * 24 } as const

export type Range = keyof typeof RANGES

export type ConnectionState =
  | 'opening'
  | 'live'
  /** The daemon has said that it stops. */
  | 'stopping'
  | 'lost'
  /** The key no longer works, or there is none. */
  | 'ended'
  /** A service worker of another program stands between the page and the daemon. */
  | 'intercepted'
  /** A person closed it. */
  | 'closed'

export interface ClickResult {
  readonly isFault: boolean
  readonly text: string
}

export interface WaitingSignIn {
  readonly id: string
  /** The link for the person to open, where the browser opened no window. */
  readonly link: string | undefined
}

export interface Doctor {
  readonly isRunning: boolean
  readonly verdicts: readonly CheckAnswer[]
  readonly fault?: string
}

export interface State {
  connection: ConnectionState
  readonly apps: Map<string, AppStatusAnswer>
  about: About | undefined
  callers: readonly CallerAnswer[]
  /** Newest first. */
  items: readonly Item[]
  /** Whether the daemon has older entries, which are still being read or are too many. */
  hasOlderItems: boolean
  hours: readonly HourCount[]
  range: Range
  /** How many cards are drawn; more in each frame, until all are. */
  drawnCards: number
  showsAllRows: boolean
  shownItems: number
  filters: { readonly app: string; readonly caller: string; readonly kind: string }
  doctor: Doctor | undefined
  /** The result of the last click, by app. */
  readonly told: Map<string, ClickResult>
  /** Apps whose request is out. */
  readonly busy: Set<string>
  /** The app whose next click on "Sign out" counts. */
  signingOut: string | undefined
  /** Sign-ins that wait for a person, by app. */
  readonly signIns: Map<string, WaitingSignIn>
}

/** About as many as a screen shows. */
export const CARDS_AT_ONCE = 12

/** About a week of 200 apps whose tokens live for an hour. */
export const ITEMS_MAX = 50_000

export function createState(): State {
  return {
    connection: 'opening',
    apps: new Map(),
    about: undefined,
    callers: [],
    items: [],
    hasOlderItems: false,
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
    signIns: new Map(),
  }
}

/** How far the plots look back, in epoch milliseconds. */
export function shownTime({ range }: State, now: number): { from: number; to: number } {
  return { from: now - RANGES[range] * HOUR_MS, to: now }
}

/** Apps that need a person first, then by name. */
export function sortApps({ apps }: State): readonly AppStatusAnswer[] {
  const urgency = ({ problem }: AppStatusAnswer) => (problem ? (problem.blocking ? 0 : 1) : 2)
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
