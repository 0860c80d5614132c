/**
 * A token in a script of one's own: the Python client and the shell's functions, next to what starts
 * with nothing in it, and to what people do without us: a client-credentials request of the Evo SDK.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startAuthorizationServer } from '../test/support/authorization-server.ts'
import { MAIN, runCli } from '../test/support/daemon-process.ts'
import { aim, median, milliseconds, ratio } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 20
const PACKAGE = join(MAIN, '../../clients/python/src')

/** Prints the median microseconds of a call. */
const TIMED = `
import statistics, sys, time
from evo_token import TokenClient
def timed(call, rounds):
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    print(statistics.median(took) * 1e6)
client = TokenClient()
client.get_token("app-1")
timed(lambda: client.get_token("app-1"), 5000)
timed(lambda: TokenClient().get_token("app-1"), 500)
`

const COLD = 'from evo_token import get_token; get_token("app-1")'

const SDK = `
import asyncio, os
from evo.aio import AioTransport
from evo.oauth import ClientCredentialsAuthorizer, EvoScopes, OAuthConnector
class Connector(OAuthConnector):
    def endpoint(self, endpoint_type):
        return "/token"
async def main():
    transport = AioTransport(user_agent="bench")
    connector = Connector(
        transport=transport,
        client_id=os.environ["BENCH_ID"],
        client_secret=os.environ["BENCH_SECRET"],
        base_uri=os.environ["BENCH_ISSUER"],
    )
    authorizer = ClientCredentialsAuthorizer(oauth_connector=connector, scopes=EvoScopes.evo_discovery)
    async with transport:
        await authorizer.get_default_headers()
asyncio.run(main())
`

export async function benchClients(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using _daemon = await startQuietDaemon(home)
  const functions = join(home.directory, 'functions.sh')
  writeFileSync(functions, (await runCli(home, ['shell-init'])).stdout)
  const server = await startAuthorizationServer()
  const { clientId, clientSecret } = server.clients.service
  const env = {
    ...home.env,
    PYTHONPATH: PACKAGE,
    BENCH_ID: clientId,
    BENCH_SECRET: clientSecret,
    BENCH_ISSUER: server.issuer,
  }
  const run = async (command: string, args: readonly string[]): Promise<[number, string]> => {
    const startedAt = performance.now()
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const said = Promise.all([text(child.stdout), text(child.stderr)])
    const [code] = (await once(child, 'exit')) as [number | null]
    const tookMs = performance.now() - startedAt
    const [stdout, stderr] = await said
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
    return [tookMs, stdout]
  }
  // The interpreter itself: what `python3` names may be a script of pyenv, which takes ten times as long as Python.
  const named = process.env.EVO_TOKEN_PYTHON || 'python3'
  const [, itself] = await run(named, ['-c', 'import sys; print(sys.executable)'])
  const python = itself.trim()
  const script = `. '${functions}'; evo_token app-1`
  const contestants: Record<string, readonly [string, readonly string[]]> = {
    'python3 -c pass': [python, ['-c', 'pass']],
    'get_token, cold': [python, ['-c', COLD]],
    'curl --version': ['sh', ['-c', 'curl --version']],
    evo_token: ['sh', ['-c', script]],
    ...(process.env.EVO_TOKEN_PYTHON && {
      'import of the SDK': [python, ['-c', 'import evo.aio, evo.oauth']],
      "the SDK's request": [python, ['-c', SDK]],
    }),
  }
  const times = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, [command, args]] of Object.entries(contestants)) {
      const [tookMs] = await run(command, args)
      times.set(name, [...(times.get(name) ?? []), tookMs])
    }
  }
  const took = (name: string) => median(times.get(name) ?? [])
  console.log(`Clients, medians of ${ROUNDS} processes:`)
  for (const name of times.keys()) console.log(`  ${name.padEnd(18)}${milliseconds(took(name))}`)
  aim('get_token, cold, to python3 -c pass', took('get_token, cold') / took('python3 -c pass'), {
    atMost: 1.25,
  })
  console.log(`  evo_token : curl --version  ${ratio(took('evo_token'), took('curl --version'))}`)
  if (times.has("the SDK's request")) {
    const own = took("the SDK's request") - took('import of the SDK')
    const ours = took('get_token, cold') - took('python3 -c pass')
    console.log(`  get_token : the SDK's request, both without their start  ${ratio(ours, own)}`)
  } else {
    console.log('  The Evo SDK is measured where EVO_TOKEN_PYTHON has it.')
  }
  const [, timed] = await run(python, ['-c', TIMED])
  const [kept, asked] = timed.trim().split('\n').map(Number)
  console.log(
    `  get_token, warm: ${kept?.toFixed(1) ?? ''} µs kept, ${asked?.toFixed(0) ?? ''} µs asked of the daemon`,
  )
  await server.close()
}
