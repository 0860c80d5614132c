/** Whether the daemon answers, has its vault open, and is itself what listens on its port. */
import { existsSync } from 'node:fs'
import { toDaemonProblems, toStatusAnswer } from '../../client/status-answer.ts'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import { type Client, readEndpoint } from '../../client/connection.ts'
import { openTcp } from '../../client/tcp.ts'
import { checkFault, type Check } from './checks.ts'
import type { Env, Places } from '../../platform/platform.ts'
import { otherVersion, severalInPath } from '../programs.ts'

interface DaemonWorld {
  readonly client: Client
  readonly places: Places
  readonly uid: number
  readonly env: Env
}

/** @param tell gets what the daemon says is wrong with itself: it keeps no token from callers, and is shown after the apps. */
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
        const locked = statuses.find(({ last_error: error }) => error?.error === 'vault_locked')
        if (!locked) return 'it is open'
        throw checkFault(
          `The vault is not open: ${locked.last_error?.message ?? ''}`,
          'The daemon continues by itself once that is done.',
        )
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

/** One that fails with the words of the daemon. */
export function daemonProblemCheck({ message, hint }: DaemonProblem): Check {
  return {
    id: 'daemon-itself',
    async run() {
      throw checkFault(message, hint)
    },
  }
}
