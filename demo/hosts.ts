/**
 * `npm run demo -- --hosts`: a PostgreSQL, two keepers and a reader on this machine. One renewal is seen
 * by all three; the home moves, is killed, and its app is taken over.
 */
import { createHash } from 'node:crypto'
import { APP, type Host, startHostsWorld, untilHomeIs } from '../test/hosts/hosts-world.ts'
import { noPostgres } from '../test/support/postgres.ts'
import { until } from '../test/support/until.ts'

export async function showHosts(): Promise<number> {
  const missing = noPostgres()
  if (missing !== undefined) {
    process.stderr.write(
      `This part of the demo needs PostgreSQL (${missing}): on Debian, apt-get install postgresql.\n`,
    )
    return 1
  }
  say('Starting PostgreSQL, an authorization server, and the keepers "hub" and "spare" …')
  await using world = await startHostsWorld()
  const hub = await world.keeper('hub')
  const spare = await world.keeper('spare')
  await hub.signIn()
  await untilHomeIs(spare, hub)
  const node = await world.reader('node', hub)
  const all = [hub, spare, node]
  await show('ada signed in at hub, which is the home of the app now', all, await hub.token())

  await node.cli('refresh', APP)
  await show(
    'a program at the reader reported its token: hub renewed it once',
    all,
    await node.token(),
  )

  await spare.cli('share', 'move', APP)
  await untilHomeIs(hub, spare)
  await spare.cli('refresh', APP)
  await show('the app moved to spare, which renewed it', all, await spare.token())

  await spare.end('SIGKILL')
  await until(
    'spare is silent',
    () => hub.share(),
    ({ keepers }) => keepers?.some(({ name, alive }) => name === 'spare' && !alive) === true,
  )
  await hub.cli('share', 'take-over', 'spare')
  await hub.cli('refresh', APP)
  await show('spare was killed: hub took over, and renewed it', [hub, node], await hub.token())
  const spent = world.server.count('refresh_token')
  const sessions = world.server.liveFamilies().length
  say(`The authorization server saw ${spent} refreshes, and ${sessions} session that lives.`)
  return sessions === 1 ? 0 : 1
}

async function show(what: string, hosts: readonly Host[], token: string): Promise<void> {
  for (const host of hosts) {
    await until(
      `${host.name} serves it`,
      () => host.token(),
      (seen) => seen === token,
    )
  }
  const fingerprint = createHash('sha256').update(token).digest('hex').slice(0, 8)
  say(`${fingerprint}  ${hosts.map(({ name }) => name).join(', ')}: ${what}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
