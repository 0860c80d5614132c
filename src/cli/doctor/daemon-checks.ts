/** Checks whether the daemon answers, has its vault open, and is what listens on its port. */
import { existsSync } from 'node:fs'
import { toDaemonProblems, toStatusAnswer } from '../../client/status-answer.ts'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import { type Client } from '../../client/connection.ts'
import { readEndpoint } from '../../client/daemon-address.ts'
import { openTcp } from '../../client/tcp.ts'
import { checkFault, type Check } from './checks.ts'
import type { Env, Places } from '../../platform/for-clients.ts'
import { otherVersion, severalInPath } from '../programs.ts'

interface DaemonWorld {
  readonly client: Client
  readonly places: Places
  readonly uid: number
  readonly env: Env
}

/** @param tell gets the daemon's own problems. They block no token, and are shown after the apps. */
export function daemonChecks(
  { client, places, uid, env }: DaemonWorld,
  tell: (problems: readonly DaemonProblem[]) => void,
): Check[] {
  let answer: unknown
  return [
    {
      id: 'daemon',
      async run() {
        const said = await client.ask({ path: '/v1/apps' })
        answer = said.apps
        tell(toDaemonProblems(said.problems))
        const apart = [otherVersion(said), await severalInPath(env)]
        return ['it answers', ...apart.filter((words) => words !== undefined)].join('. ')
      },
    },
    {
      id: 'vault',
      async run() {
        const statuses = Array.isArray(answer) ? answer.map(toStatusAnswer) : []
        const problem = statuses.find((one) => one.problem?.error === 'vault_locked')?.problem
        if (problem) throw checkFault(problem.message, problem.hint)
        return 'it is open'
      },
    },
    {
      id: 'port',
      async run() {
        const url = readEndpoint(places.endpoint, uid)?.url
        if (url === undefined || !existsSync(places.accessKey)) {
          return 'not checked: that needs an access key of the daemon'
        }
        const { socket } = await openTcp({ url, keyFile: places.accessKey, caller: 'local' })
        socket.destroy()
        return `${url} proves to be the daemon`
      },
    },
  ]
}

/** A check that fails with a problem that the daemon reported. */
export function daemonProblemCheck({ message, hint }: DaemonProblem): Check {
  return {
    id: 'daemon-itself',
    async run() {
      throw checkFault(message, hint)
    },
  }
}
