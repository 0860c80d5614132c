/** SIGTERM in the middle of refreshes, with a server that takes its time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { sharedNow, startKillableDaemon } from '../killable-daemon.ts'
import { goodToken, isFresh, untilStatus } from '../owner.ts'
import { isSeeded, leftovers, seed, seededHome } from '../seeded-home.ts'
import type { Chance } from './chance.ts'
import { type Spread, spreadOf } from './spread.ts'

const APP = 'me'
/** What the daemon promises, and service managers are told to wait for. */
const EXIT_WITHIN_MS = 35_000

export interface TermPlan {
  /** With a server that answers within 2 s. */
  readonly quick: number
  /** With one that takes 20 to 28 s. */
  readonly slow: number
  readonly sideBySide: number
}

export interface TermFigures {
  readonly terms: number
  readonly slow: number
  readonly lost: number
  readonly otherExits: number
  readonly leftFiles: number
  readonly lateExits: number
  /** How long the server took, and how long the exit. */
  readonly answers: Spread
  readonly exits: Spread
}

interface Term {
  readonly answerMs: number
  readonly exitMs: number
  readonly code: number | null
  readonly left: readonly string[]
  readonly lost: boolean
}

export async function stopInTheMiddle(plan: TermPlan, chance: Chance): Promise<TermFigures> {
  const lanes = [
    ...Array.from({ length: plan.slow }, (_, at) => {
      return stopOften(1, [20_000, 28_000], chance.fork(`slow ${at}`))
    }),
    ...Array.from({ length: plan.sideBySide }, (_, at) => {
      const share = Math.floor((plan.quick + at) / plan.sideBySide)
      return stopOften(share, [0, 2_000], chance.fork(`quick ${at}`))
    }),
  ]
  const terms = (await Promise.all(lanes)).flat()
  return {
    terms: terms.length,
    slow: plan.slow,
    lost: terms.filter(({ lost }) => lost).length,
    otherExits: terms.filter(({ code }) => code !== 0).length,
    leftFiles: terms.filter(({ left }) => left.length > 0).length,
    lateExits: terms.filter(({ exitMs }) => exitMs > EXIT_WITHIN_MS).length,
    answers: spreadOf(terms.map(({ answerMs }) => answerMs)),
    exits: spreadOf(terms.map(({ exitMs }) => exitMs)),
  }
}

async function stopOften(
  times: number,
  [shortest, longest]: readonly [number, number],
  chance: Chance,
): Promise<Term[]> {
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server)
  const terms: Term[] = []
  while (terms.length < times) {
    const answerMs = chance.between(shortest, longest)
    const rotatesFirst = chance.happens(0.5)
    const asked = new Promise<void>((resolve) => {
      server.intercept = async (_request, act) => {
        resolve()
        if (!rotatesFirst) await sleep(answerMs)
        const answer = await act()
        if (rotatesFirst) await sleep(answerMs)
        return answer
      }
    })
    await using daemon = startKillableDaemon(home, { serve: true })
    await asked
    await sleep(chance.between(0, Math.min(answerMs, 500)))
    const signalledAt = sharedNow()
    daemon.signal('SIGTERM')
    const { code } = await daemon.ended
    const exitMs = sharedNow() - signalledAt
    const left = leftovers(home)
    server.intercept = (_request, act) => act()

    await using next = startKillableDaemon(home, { serve: true })
    const socket = await next.socket
    const { session } = await untilStatus(socket, APP, (status) => {
      return status.session === 'signed-out' || isFresh(status)
    })
    const lost = session === 'signed-out' || isSeeded(await goodToken(socket, APP))
    terms.push({ answerMs, exitMs, code, left, lost })
    next.signal('SIGKILL')
    await next.ended
    await seed(home, server, APP, 'stale')
  }
  return terms
}

export function termsSection(figures: TermFigures): string {
  const { terms, slow, answers, exits } = figures
  const seconds = ({ median, max }: Spread) =>
    `${(median / 1000).toFixed(1)} s in the median, ${(max / 1000).toFixed(1)} s at most`
  return `SIGTERM ${terms} times in the middle of a refresh. The server took ${seconds(answers)}; with ${slow} of
them it took 20 s and more. From the signal to the exit: ${seconds(exits)}.

| what must not be | how often |
|---|---|
| a session lost | ${figures.lost} |
| an exit code other than 0 | ${figures.otherExits} |
| an exit after more than 35 s | ${figures.lateExits} |
| a temporary file left behind | ${figures.leftFiles} |
`
}
