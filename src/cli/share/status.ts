/** `share status`: the keepers, the home of each app, and the state of the database. */
import { createClient } from '../../client/connection.ts'
import type { CommandRow } from '../command.ts'
import { JSON_OUTPUT, OWNER_OPTIONS } from '../options.ts'
import { plain } from '../plain.ts'
import { renderTable } from '../table.ts'
import type { ShareStatus } from './share-status.ts'

export const shareStatus: CommandRow = {
  arguments: [],
  options: { json: JSON_OUTPUT, ...OWNER_OPTIONS },
  examples: [],
  async run({ place, flag, io }) {
    const answer = await createClient(place).ask({ path: '/v1/share' })
    io.stdout.write(flag('json') ? `${JSON.stringify(answer)}\n` : describeShare(answer))
    return 0
  },
}

function describeShare(shared: ShareStatus): string {
  const { database, keepers, apps } = shared
  if (!shared.shared || !database) return 'This daemon shares nothing with other hosts.\n'
  const lines = [`${plain(shared.name ?? '')}, a ${shared.role ?? ''}`, describeDatabase(database)]
  if (shared.confirmed === false) {
    lines.push(`It renews nothing that is shared now: ${plain(shared.message ?? '')}`)
  }
  const blocks = [`${lines.join('\n')}\n`]
  if (keepers && keepers.length > 0) {
    const rows = keepers.map((keeper) => [
      plain(keeper.name),
      plain(keeper.host),
      plain(keeper.version),
      keeper.alive
        ? 'runs'
        : keeper.beat_at === null
          ? 'stopped'
          : `silent since ${keeper.beat_at}`,
      describeDifferences(keeper),
    ])
    blocks.push(renderTable(['KEEPER', 'HOST', 'VERSION', 'STATE', 'DIFFERS'], rows))
  }
  if (apps && apps.length > 0) {
    const rows = apps.map(({ app, home, here, published }) => [
      plain(app),
      home === null ? (here ? 'this keeper, not shared yet' : 'none') : plain(home),
      published === null ? '' : published ? 'published' : 'not published yet',
    ])
    blocks.push(renderTable(['APP', 'HOME', 'COPY'], rows))
  }
  return blocks.join('\n')
}

function describeDatabase({
  hosts,
  primaries,
  latency_ms: ms,
  error,
}: NonNullable<ShareStatus['database']>) {
  const names = hosts.map(plain).join(', ')
  if (error !== null) return `database: ${plain(error)}`
  if (primaries.length > 1)
    return `database: more than one takes writes: ${primaries.map(plain).join(', ')}`
  return `database: ${plain(primaries[0] ?? names)} answers${ms === null ? '' : ` within ${ms} ms`}`
}

function describeDifferences(keeper: {
  readonly same_apps: boolean
  readonly same_key: boolean
}): string {
  const parts = [!keeper.same_apps && 'apps in the config', !keeper.same_key && 'vault key']
  return parts.filter(Boolean).join(', ')
}
