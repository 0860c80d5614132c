/** Kills of the daemon on Windows, as far as Wine is one. */
import { noWindows } from '../../support/wine.ts'
import { killOnWindows } from '../../windows/kills.ts'
import { type Measured, type Run, wrongOf } from './part.ts'

const DURABLE = `Windows flushes no directory. A record is written and synced beside its place before it is renamed, and so was
the file with the mark of the attempt before the request went out: where a power cut loses the rename, the next
start finds the newer record beside the older one and takes it. That NTFS keeps the name of a file that was
synced is its journal's promise; it was not measured, and Wine cannot show it.
`

export async function measureWindows({ share }: Run): Promise<Measured> {
  const without = noWindows()
  if (without !== undefined) {
    return { outcomes: {}, section: `Not measured: ${without}.\n`, wrong: [] }
  }
  const { kills, lost, rotations } = await killOnWindows(share(100))
  return {
    outcomes: {},
    section: `Node for Windows under Wine, not Windows itself: ${kills} kills around a refresh, half of them before the server had
acted, half as soon as the new token was served; ${rotations} rotations, ${lost} sessions lost.

${DURABLE}`,
    wrong: wrongOf({ 'sessions lost on Windows outside the window': lost }),
  }
}
