/**
 * The Python client without what Python lacks on Windows, against a real daemon. No registry that we use has
 * a Python for Windows, so this is a Python of this machine from which that was taken.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
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

const SOURCES = join(import.meta.dirname, '../../clients/python/src')

const LIKE_WINDOWS = `
import os, socket, sys
for module, name in ((os, "register_at_fork"), (os, "getuid"), (os, "fork"), (socket, "AF_UNIX")):
    delattr(module, name)
# Also how Windows understands the number 0: it ends the process.
os.kill = lambda pid, signal: sys.exit("killed")
import evo_token
from evo_token import _connection, _places
_places.WINDOWS = _connection.WINDOWS = True
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

  it('gets the token over TCP from the daemon that endpoint.json names', async () => {
    const { stdout } = await runCli(home, ['get', 'pipeline'])
    expect(await python('print(evo_token.get_token("pipeline").value)')).toBe(stdout.trim())
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
