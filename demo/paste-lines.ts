/**
 * Lines that work as printed in another terminal, while the demo runs. curl cannot make the daemon
 * prove itself before it shows the key: this one is worth nothing once the demo has ended.
 */
import { join } from 'node:path'
import { type DaemonProcess, type Home, MAIN } from '../test/support/daemon-process.ts'

export interface Pasted {
  readonly home: Home
  readonly daemon: DaemonProcess
  readonly app: string
}

export function pasteLines({ home, daemon, app }: Pasted): string {
  const keyFile = join(home.stateDir, 'access-key')
  const url = `${daemon.url}/v1/apps/${app}/token`
  return `Paste any of these into another terminal:

  # curl, with the access key (read from its file, so that it is not in argv)
  printf 'header = "Authorization: Bearer %s"\\n' "$(cat ${keyFile})" | curl -s -K - ${url}

  # the command line
  ${process.execPath} ${MAIN} get ${app} --state-dir ${home.stateDir}

  # Python, nothing but its standard library, over the owner socket, which needs no key
  python3 -c '
import http.client, json, socket
class Owner(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("${daemon.socket}")
owner = Owner("localhost")
owner.request("GET", "/v1/apps/${app}/token")
print(json.load(owner.getresponse())["access_token"])'`
}
