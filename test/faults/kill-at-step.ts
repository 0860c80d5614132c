/** Kills the daemon at one moment of a refresh, and looks at what the next start makes of it. */
import { readFileSync } from 'node:fs'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { startKillableDaemon } from './killable-daemon.ts'
import { goodToken, isFresh, type Status, untilStatus } from './owner.ts'
import { isSeeded, leftovers, recordPath, seededHome } from './seeded-home.ts'
import { ANSWER_LEFT } from './steps.ts'

export interface Aftermath {
  readonly endedBy: NodeJS.Signals | null
  readonly session: string
  readonly error: Status['last_error']
  /** Whether the token that is served is the one of before, which is good for half an hour yet. */
  readonly servesOldToken: boolean
  /** What each request showed (the generation of its refresh token) and got, both daemons taken together. */
  readonly exchanges: readonly (readonly [number | undefined, unknown])[]
  readonly leftovers: readonly string[]
  /** Whether the record of another app, which was not refreshed, is what it was. */
  readonly otherUntouched: boolean
}

export async function killAtStep(step: string): Promise<Aftermath> {
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server, { apps: { me: 'stale', other: 'fresh' } })
  const other = readFileSync(recordPath(home, 'other'))
  await using killed = startKillableDaemon(home, { killAt: step })
  if (step === ANSWER_LEFT) {
    await holdAnswers(server).rotated
    killed.signal('SIGKILL')
  }
  const { signal } = await killed.ended
  server.intercept = (_request, act) => act()

  await using next = startKillableDaemon(home)
  const socket = await next.socket
  const { session, last_error: error } = await untilStatus(socket, 'me', (status) => {
    return status.session === 'signed-out' || isFresh(status)
  })
  return {
    endedBy: signal,
    session,
    error,
    servesOldToken: isSeeded(await goodToken(socket, 'me')),
    exchanges: exchangesWith(server),
    leftovers: leftovers(home),
    otherUntouched: readFileSync(recordPath(home, 'other')).equals(other),
  }
}

export function exchangesWith({ requests }: RunningAuthorizationServer): Aftermath['exchanges'] {
  return requests.map(({ generation, answer }) => [generation, answer?.body.error ?? 'granted'])
}

/** The answers of the server leave when they are released, and not before. */
export function holdAnswers(server: RunningAuthorizationServer) {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const rotated = new Promise<void>((resolve) => {
    server.intercept = async (_request, act) => {
      const answer = await act()
      resolve()
      await released
      return answer
    }
  })
  return { rotated, release }
}
