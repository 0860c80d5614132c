/**
 * The Python client without what Python lacks on Windows, against a real daemon. No registry that we use has
 * a Python for Windows, so this is a Python of this machine from which that was taken.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createApp } from '../../src/http/app.ts'
import { createKeyedOwnerDoor } from '../../src/http/door.ts'
import { Secret } from '../../src/secret.ts'
import { recordedDeps, SERVED } from '../http/doors.ts'

const SOURCES = join(import.meta.dirname, '../../clients/python/src')

const LIKE_WINDOWS = `
import os, select, socket, sys
unix, Socket = socket.AF_UNIX, socket.socket
for module, name in ((os, "register_at_fork"), (os, "getuid"), (os, "fork"), (socket, "AF_UNIX")):
    delattr(module, name)
# Also how Windows understands the number 0: it ends the process.
os.kill = lambda pid, signal: sys.exit("killed")
import evo_token
from evo_token import _connection, _pipe, _places
_places.WINDOWS = _connection.WINDOWS = True

# In the place of a named pipe, a socket that is read and written as a file.
def opened(path, deadline):
    one = Socket(unix)
    one.connect(path)
    return one.makefile("rwb", buffering=0)
_pipe._open = opened
_pipe._has_bytes = lambda file: bool(select.select([file], [], [], 0)[0])
_connection.is_pipe = os.path.isabs
`

describe('the Python client on what is like Windows', () => {
  const it = itNeeds(missingCommands('python3'))
  let server: RunningAuthorizationServer
  let home: Home
  let daemon: DaemonProcess

  beforeAll(async () => {
    server = await startAuthorizationServer()
    const { clientId, clientSecret } = server.clients.service
    home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: { pipeline: { type: 'service', clientId, scopes: ['evo.discovery'] } },
    })
    daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'pipeline'], { input: `${clientSecret}\n` })
  })

  afterAll(async () => {
    await daemon.stop()
    await home.remove()
    await server.close()
  })

  async function python(program: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await promisify(execFile)('python3', ['-c', LIKE_WINDOWS + program], {
      env: { ...home.env, PYTHONPATH: SOURCES, ...env },
    })
    return stdout.trim()
  }

  it('proves the pipe that endpoint.json names, and shows the key of the owner on it', async () => {
    const state = join(home.directory, 'pipe')
    const socket = join(state, 'pipe')
    await mkdir(state)
    await writeFile(join(state, 'endpoint.json'), JSON.stringify({ socket, pid: process.pid }))
    await writeFile(join(state, 'owner-key'), 'evtk_of-the-owner\n')
    const door = createKeyedOwnerDoor(socket, new Secret('evtk_of-the-owner'))
    const options = { requireHostHeader: false }
    const pipe = createServer(options, createApp(recordedDeps().deps, door)).listen(socket)
    const program = `
print(evo_token.get_token("evo-me").value)
print(len(evo_token.TokenClient().status()))
`
    const said = await python(program, { EVO_TOKEN_STATE_DIR: state })
    expect(said).toBe(`${SERVED.accessToken.expose()}\n2`)

    await writeFile(join(state, 'owner-key'), 'evtk_of-another-daemon\n')
    const refused = python('evo_token.get_token("evo-me")', { EVO_TOKEN_STATE_DIR: state })
    await expect(refused).rejects.toThrow('does not prove that it knows the key')
    pipe.close()
  })

  it('takes a key file that PowerShell wrote, for a daemon in WSL2', async () => {
    const { stdout } = await runCli(home, ['caller', 'add', 'jupyter'])
    const keyFile = join(home.directory, 'jupyter-key')
    await writeFile(keyFile, `\ufeff${stdout.trim()}\r\n`, { encoding: 'utf16le' })
    const said = await python('print(evo_token.get_token("pipeline").app)', {
      EVO_TOKEN_STATE_DIR: join(home.directory, 'none'),
      EVO_TOKEN_URL: daemon.url,
      EVO_TOKEN_KEY_FILE: keyFile,
      EVO_TOKEN_CALLER: 'jupyter',
    })
    expect(said).toBe('pipeline')
  })

  it('says that no daemon runs where there is no endpoint.json', async () => {
    const program = `
try:
    evo_token.get_token("pipeline")
except evo_token.DaemonNotRunning as error:
    print(error)
`
    const said = await python(program, { EVO_TOKEN_STATE_DIR: join(home.directory, 'none') })
    expect(said).toContain('endpoint.json')
  })
})
