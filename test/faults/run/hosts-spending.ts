/**
 * What many hosts do with refresh tokens: which of them are sent again after the server spent them, and
 * why. A host that loses the answer has no other choice than to try once more with what it has.
 */
import { decodeJwt } from 'jose'
import type { Host, HostsWorld } from '../../hosts/hosts-world.ts'
import { sharedNow } from '../killable-daemon.ts'
import { personOf } from '../seeded-home.ts'
import { DURABLE } from '../steps.ts'

/**
 * `in the window`   its home died after it had asked, and before it had the answer on its disk
 * `on the way`      the answer was lost between the server and its home, whose cable was out
 * `not published`   its home died with the answer on its disk alone, and another keeper took over
 * `without cause`   there was a newer one to be had
 */
export const CAUSES = ['in the window', 'on the way', 'not published', 'without cause'] as const

type Cause = (typeof CAUSES)[number]

/** What a person or the weather did to a host, on the clock of `sharedNow`. */
interface Blow {
  readonly kind: 'killed' | 'cut off' | 'taken over'
  readonly host: Host
  readonly at: number
}

interface Spent {
  readonly app: string
  readonly arrivedAt: number
  readonly at: number
  readonly by: Host | undefined
}

interface SentAgain {
  readonly first: Spent
  readonly arrivedAt: number
  readonly at: number
  readonly by: Host | undefined
}

export class SpendingWatch {
  readonly #keepers: readonly Host[]
  readonly #spent = new Map<string, Spent>()
  readonly #sentAgain: SentAgain[] = []
  readonly #blows: Blow[] = []
  #refreshes = 0

  constructor(keepers: readonly Host[]) {
    this.#keepers = keepers
  }

  get refreshes(): number {
    return this.#refreshes
  }

  note(kind: Blow['kind'], host: Host): void {
    this.#blows.push({ kind, host, at: sharedNow() })
  }

  /** @param delay runs before the server does anything; it resolves with whether it does. */
  watch(server: HostsWorld['server'], delay: () => Promise<'go on' | 'cut'>): void {
    server.intercept = async (request, act) => {
      const token = request.form.get('refresh_token')
      if (token === null) return act()
      const arrivedAt = sharedNow()
      if ((await delay()) === 'cut') return 'cut'
      const by = this.#keepers.find(({ place }) => place?.address === request.from)
      const first = this.#spent.get(token)
      if (first) this.#sentAgain.push({ first, arrivedAt, at: sharedNow(), by })
      const answer = await act()
      if (answer.status === 200) {
        this.#refreshes += 1
        const app = appOf(String(answer.body.access_token))
        this.#spent.set(token, { app, arrivedAt, at: sharedNow(), by })
      }
      return answer
    }
  }

  /** By cause, the apps whose spent token was sent again. */
  causes(): Readonly<Record<Cause, readonly string[]>> {
    const found = this.#sentAgain.map((again) => [this.#causeOf(again), again.first.app] as const)
    const appsOf = (cause: Cause) => [
      ...new Set(found.flatMap(([one, app]) => (one === cause ? [app] : []))),
    ]
    return Object.fromEntries(CAUSES.map((cause) => [cause, appsOf(cause)])) as never
  }

  #causeOf({ first, arrivedAt, at, by }: SentAgain): Cause {
    const suffered = (kind: Blow['kind'], host: Host | undefined, from: number) =>
      this.#blows.some((blow) => {
        return blow.kind === kind && blow.host === host && blow.at >= from && blow.at <= at
      })
    // The server took its time, and did then what a home had asked for that is gone.
    if (arrivedAt < first.at) {
      return suffered('killed', by, arrivedAt) ? 'in the window' : 'without cause'
    }
    const storedAt = first.by && storedSince(first.by, first.app, first.at, at)
    if (storedAt === undefined) {
      if (suffered('killed', first.by, first.arrivedAt)) return 'in the window'
      // The answer may have been kept away by a cable that was pulled a little before.
      const isCutOff = suffered('cut off', first.by, first.at - CABLE_OUT_MAX_MS)
      return isCutOff ? 'on the way' : 'without cause'
    }
    const isTaken = by !== first.by && suffered('taken over', first.by, storedAt)
    return isTaken ? 'not published' : 'without cause'
  }
}

/** Longer than any cable is out, and than what TCP makes of it. */
const CABLE_OUT_MAX_MS = 30_000

/** When the answer that the server gave at `from` was on the disk of `host`; undefined if it was not by `to`. */
function storedSince(host: Host, app: string, from: number, to: number): number | undefined {
  for (const { steps } of host.daemons()) {
    const own = steps.filter((step) => step.app === app && step.at >= from && step.at <= to)
    const begun = own.findIndex(({ name }) => name === 'store')
    const durable = begun < 0 ? undefined : own.slice(begun).find(({ name }) => name === DURABLE)
    if (durable) return durable.at
  }
  return undefined
}

/** By the person in it. */
function appOf(accessToken: string): string {
  const { sub = '' } = decodeJwt(accessToken)
  return sub.slice(personOf('').length)
}
