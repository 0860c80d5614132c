/** Whether the daemon answers, has its vault open, and is itself what listens on its port. */
import { existsSync } from 'node:fs'
import { toStatus } from '../../client/app-status.ts'
import { type Client, readEndpoint } from '../../client/connection.ts'
import { openTcp } from '../../client/tcp.ts'
import type { Places } from '../../platform/platform.ts'
import { broken, type Rung } from './ladder.ts'

export function daemonRungs(client: Client, places: Places, uid: number): Rung[] {
  let answer: unknown
  return [
    {
      id: 'daemon',
      async check() {
        answer = (await client.ask({ path: '/v1/apps' })).apps
        return 'it answers'
      },
    },
    {
      id: 'vault',
      async check() {
        const statuses = Array.isArray(answer) ? answer.map(toStatus) : []
        const locked = statuses.find(({ last_error: error }) => error?.error === 'vault_locked')
        if (!locked) return 'it is open'
        throw broken(
          `The vault is not open: ${locked.last_error?.message ?? ''}`,
          'Once that is done, the daemon goes on by itself.',
        )
      },
    },
    {
      id: 'port',
      async check() {
        const url = readEndpoint(places.endpoint, uid)?.url
        if (url === undefined || !existsSync(places.accessKey)) {
          return 'only who has an access key of that daemon can tell'
        }
        const { socket } = await openTcp({ url, keyFile: places.accessKey, caller: 'local' })
        socket.destroy()
        return `${url} proves to be the daemon`
      },
    },
  ]
}
