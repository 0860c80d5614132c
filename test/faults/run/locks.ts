/** Daemons that are started at the same instant on one state directory, also where one was killed. */
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { startKillableDaemon } from '../killable-daemon.ts'
import { seededHome } from '../seeded-home.ts'

const TOGETHER = 4

export interface LockFigures {
  readonly rounds: number
  readonly together: number
  /** Rounds in which not exactly one ran. */
  readonly notOne: number
  /** Of those that were refused: which did not name the pid of the one that ran, with exit code 1. */
  readonly refused: number
  readonly nameless: number
}

/** Each round begins by killing the winner of the one before. */
export async function startTogether(rounds: number): Promise<LockFigures> {
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server, { apps: { me: 'fresh' } })
  let [notOne, refused, nameless] = [0, 0, 0]
  for (let round = 0; round < rounds; round++) {
    const daemons = Array.from({ length: TOGETHER }, () =>
      startKillableDaemon(home, { serve: true }),
    )
    const runs = await Promise.all(
      daemons.map(({ socket }) =>
        socket.then(
          () => true,
          () => false,
        ),
      ),
    )
    const winner = daemons[runs.indexOf(true)]
    if (runs.filter(Boolean).length !== 1) notOne += 1
    for (const [at, { ended }] of daemons.entries()) {
      if (runs[at]) continue
      const { code, stderr } = await ended
      refused += 1
      if (code !== 1 || !stderr.includes(`pid ${winner?.pid ?? ''})`)) nameless += 1
    }
    await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()))
  }
  return { rounds, together: TOGETHER, notOne, refused, nameless }
}

export function locksSection({ rounds, together, notOne, refused, nameless }: LockFigures): string {
  return `${rounds} times ${together} daemons were started at the same instant, each time after the one that had run was
killed with -9. Rounds in which not exactly one ran: ${notOne}. Of the ${refused} that were refused, ${nameless} did not
exit with 1 and the pid of the one that runs.
`
}
