/** A daemon with an app that the caller `notebook` may use and one that it may not, and requests to it byte by byte. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { ask } from '../faults/owner.ts'
import { seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'

/** Names of one length, so that answers about them may be the same byte by byte. */
export const MINE = 'evo-mine'
export const HIDDEN = 'evo-hide'
export const ABSENT = 'evo-none'

export interface TwoApps extends AsyncDisposable {
  readonly server: RunningAuthorizationServer
  readonly home: Home
  readonly daemon: DaemonProcess
  /** Of both apps. */
  readonly redirectUri: string
  /** Makes a caller that may use `MINE`; its key. */
  addCaller(name: string): Promise<string>
  removeCaller(name: string): Promise<void>
  /** Has the owner renew the token of `app`, which everyone who may see it is told of. */
  change(app: string): Promise<void>
  /** Sends a request on a connection of its own: the answer as it came, but for its date. */
  raw(method: string, path: string, key: string, headers?: readonly string[]): Promise<string>
}

export async function startTwoApps(): Promise<TwoApps> {
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  const app = { redirectUris: [redirectUri] }
  const server = await startAuthorizationServer(app)
  const home = await seededHome(server, { apps: { [MINE]: 'fresh', [HIDDEN]: 'fresh' }, app })
  const daemon = await startDaemonProcess(home)
  const { hostname, port, host } = new URL(daemon.url)

  async function command(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli(home, args)
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }

  return {
    server,
    home,
    daemon,
    redirectUri,
    addCaller: (name) => command('caller', 'add', name, '--app', MINE),
    async removeCaller(name) {
      await command('caller', 'remove', name)
    },
    async change(app) {
      const { status } = await ask(daemon.socket, `/v1/apps/${app}/refresh`, 'POST')
      if (status !== 200) throw new Error(`${app} was not renewed: ${status}`)
    },
    async raw(method, path, key, headers = []) {
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      const head = [
        `${method} ${path} HTTP/1.1`,
        `Host: ${host}`,
        'Connection: close',
        `Authorization: Bearer ${key}`,
        ...headers,
      ]
      // Not its end: the daemon would take that for a caller that went away.
      socket.write(`${head.join('\r\n')}\r\n\r\n`)
      let answer = ''
      for await (const piece of socket) answer += String(piece)
      return answer.replace(/^Date: .*$/m, 'Date: …')
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop('SIGKILL')
      await home.remove()
      await server.close()
    },
  }
}
