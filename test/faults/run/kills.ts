/**
 * Kill -9 at random moments of a session that is refreshed all the time, on a server that ends the
 * session when an old refresh token is used again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { seed, seededHome } from '../seeded-home.ts'
import { type KillableDaemon, sharedNow, startKillableDaemon } from '../killable-daemon.ts'
import { goodToken, isFresh, type Status, untilStatus } from '../owner.ts'
import { DURABLE } from '../steps.ts'
import type { Chance } from './chance.ts'
import { inMs, type Spread, spreadOf } from './spread.ts'
import { startWatchedServer, type WatchedServer } from './watched-server.ts'

const APP = 'me'
const TOKEN_S = 2
/** A refresh falls into it, whenever the kill before it was. */
const SPREAD_MS = 2_500
/** From the beginning of a refresh: a little more than one takes. */
const AIMED_MS = 60
/** How many of the kills fall into the start-up after the kill before, and how long that takes. */
const EARLY = 0.2
const START_MS = 800

export interface KillPlan {
  /** Spread over all the time that the daemon runs. */
  readonly anywhere: number
  /** Spread over the refresh itself, which is a small part of that. */
  readonly aimed: number
  readonly sideBySide: number
}

export interface KillTally {
  readonly kills: number
  /** The server had spent the old token, and the new record was not on the disk. */
  readonly inWindow: number
  readonly lostInWindow: number
  readonly lostOutside: number
}

export interface KillFigures {
  readonly anywhere: KillTally
  readonly aimed: KillTally
  readonly refreshes: number
  /** What was reported of the sessions that were lost. */
  readonly reported: Readonly<Record<string, number>>
  /** Daemons that did not start, or did not serve, after a kill. */
  readonly failedStarts: number
  /** From the start of the process until it serves a good token, after a kill. */
  readonly backAgain: Spread
}

/** The daemon between two kills. */
interface Life {
  readonly daemon: KillableDaemon
  readonly startedAt: number
  /** How many rotations there had been before it. */
  readonly rotationsBefore: number
}

interface Kill {
  readonly aimed: boolean
  readonly inWindow: boolean
  lost?: Failure
}

type Failure = NonNullable<Status['last_error']>

export async function killAtRandom(plan: KillPlan, chance: Chance): Promise<KillFigures> {
  const aims = [
    ...Array.from({ length: plan.anywhere }, () => false),
    ...Array.from({ length: plan.aimed }, () => true),
  ]
  const lanes = await Promise.all(
    Array.from({ length: plan.sideBySide }, async (_, at) => {
      const lane = new Lane(chance.fork(`kills ${at}`))
      await lane.run(aims.filter((_aimed, one) => one % plan.sideBySide === at))
      return lane
    }),
  )
  const kills = lanes.flatMap((lane) => lane.kills)
  return {
    anywhere: tallyOf(kills.filter(({ aimed }) => !aimed)),
    aimed: tallyOf(kills.filter(({ aimed }) => aimed)),
    refreshes: lanes.reduce((sum, lane) => sum + lane.refreshes, 0),
    reported: countBy(kills.flatMap(({ lost }) => (lost ? [lost.error] : []))),
    failedStarts: lanes.reduce((sum, lane) => sum + lane.failedStarts, 0),
    backAgain: spreadOf(lanes.flatMap((lane) => lane.backAgainMs)),
  }
}

/** One home and its server, whose daemon is killed again and again. */
class Lane {
  readonly kills: Kill[] = []
  readonly backAgainMs: number[] = []
  refreshes = 0
  failedStarts = 0
  readonly #chance: Chance

  constructor(chance: Chance) {
    this.#chance = chance
  }

  async run(aims: readonly boolean[]): Promise<void> {
    await using watched = await startWatchedServer({ accessTokenTtlS: TOKEN_S })
    await using home = await seededHome(watched.server, { apps: { [APP]: 'expired' } })
    const begin = (): Life => ({
      daemon: startKillableDaemon(home, { heartbeatMs: 50 }),
      startedAt: sharedNow(),
      rotationsBefore: watched.rotations.length,
    })
    let life = begin()
    // Kills whose outcome no daemon lived long enough to show.
    let unseen: Kill[] = []
    try {
      for (const aimed of aims) {
        const early = !aimed && this.#chance.happens(EARLY)
        if (!early) {
          await this.#see(life, unseen)
          if (unseen.some(({ lost }) => lost)) {
            await end(life, watched)
            await seed(home, watched.server, APP, 'expired')
            life = begin()
            await life.daemon.socket
          }
          unseen = []
        }
        await this.#waitForTheMoment(life, aimed, early)
        await end(life, watched)
        const kill = { aimed, inWindow: this.#lookBack(life, watched) }
        this.kills.push(kill)
        unseen.push(kill)
        life = begin()
      }
      await this.#see(life, unseen)
    } finally {
      await life.daemon[Symbol.asyncDispose]()
    }
  }

  async #waitForTheMoment({ daemon }: Life, aimed: boolean, early: boolean): Promise<void> {
    if (early) {
      await sleep(this.#chance.between(0, START_MS))
    } else if (aimed) {
      const begun = daemon.steps.filter(({ name }) => name === 'reserve').length
      await daemon.reached('reserve', begun + 1)
      await sleep(this.#chance.between(0, AIMED_MS))
    } else {
      await sleep(this.#chance.between(0, SPREAD_MS))
    }
  }

  /** What the life that has ended did. Whether its kill fell between the answer and the disk. */
  #lookBack({ daemon, rotationsBefore }: Life, { rotations }: WatchedServer): boolean {
    const own = rotations.slice(rotationsBefore)
    const durable = daemon.steps.filter(({ name }) => name === DURABLE)
    this.refreshes += own.length
    return own.length > durable.length
  }

  /** Waits until the new life shows what has become of the session. */
  async #see({ daemon, startedAt }: Life, unseen: readonly Kill[]): Promise<void> {
    const last = unseen.at(-1)
    if (!last) {
      await daemon.socket
      return
    }
    try {
      const socket = await daemon.socket
      const status = await untilStatus(socket, APP, (seen) => {
        return seen.session === 'signed-out' || isFresh(seen)
      })
      if (status.session === 'signed-out') {
        const blamed = unseen.find(({ inWindow }) => inWindow) ?? last
        blamed.lost = status.last_error ?? { error: '(nothing)', message: '' }
      } else {
        await goodToken(socket, APP)
        this.backAgainMs.push(sharedNow() - startedAt)
      }
    } catch (error) {
      this.failedStarts += 1
      console.error(error)
    }
  }
}

async function end({ daemon }: Life, watched: WatchedServer): Promise<void> {
  daemon.signal('SIGKILL')
  await daemon.ended
  await watched.idle()
}

function tallyOf(kills: readonly Kill[]): KillTally {
  const inWindow = kills.filter((kill) => kill.inWindow)
  const lost = kills.filter((kill) => kill.lost)
  const lostInWindow = inWindow.filter((kill) => kill.lost).length
  return {
    kills: kills.length,
    inWindow: inWindow.length,
    lostInWindow,
    lostOutside: lost.length - lostInWindow,
  }
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

export function killsSection(figures: KillFigures): string {
  const { anywhere, aimed } = figures
  const row = (what: string, { kills, inWindow, lostInWindow, lostOutside }: KillTally) =>
    `| ${what} | ${kills} | ${inWindow} | ${lostInWindow} | ${lostOutside} |`
  const reported = Object.entries(figures.reported)
    .map(([error, count]) => `\`${error}\` ${count} times`)
    .join(', ')
  return `Between the moment when the server spends a refresh token and the moment when the new one is on our
disk, there is one copy of it, in memory. No client can close that window; what a client can do is
to make it short, to know afterwards that it was in it, and to say so. A kill there costs the session of
that app, unless the server forgives the reuse of the old token for a while. **That is the one
promise that cannot be kept.**

Kill -9 at random moments, over ${figures.refreshes} refreshes of tokens that live ${TOKEN_S} s:

| kills | how many | in the window | sessions lost there | sessions lost elsewhere |
|---|---|---|---|---|
${row('at any time, start-up included', anywhere)}
${row('within a refresh', aimed)}

The window opens when the server has spent the old refresh token, and closes when the new record is
on the disk. What was reported of the lost sessions: ${reported || 'none was lost'}. Daemons that did not start and
serve again: ${figures.failedStarts}. From the start of the process to a good token after a kill:
${inMs(figures.backAgain, 0)}.
`
}
