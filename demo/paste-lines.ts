/** Lines that work as printed in another terminal, while the demo runs. */
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

  # Python, nothing but its standard library
  python3 -c '
import json, urllib.request
key = open("${keyFile}").read().strip()
ask = urllib.request.Request("${url}", headers={"Authorization": "Bearer " + key})
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(json.load(direct.open(ask))["access_token"])'`
}
