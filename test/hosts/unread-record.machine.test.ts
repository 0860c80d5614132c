/** A home that cannot read the record of one app, as where its disk reports an error there. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noSmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'
import { APP, refresh, untilConfirmed, untilServes } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers } from './two-keepers.ts'

const OTHER = 'evo-other'

useTwoKeepers('each', { session: 'seeded', apps: [APP, OTHER] })

/** Reading `path` is an error of the disk (EIO) from now on: it is this process's memory, which begins with nothing. */
function makeUnreadable(path: string): Disposable {
  execFileSync('mount', ['--bind', `/proc/${process.pid}/mem`, path])
  return {
    [Symbol.dispose]() {
      execFileSync('umount', [path])
    },
  }
}

const problemOf = async (app: string) => {
  const { stdout } = await hub.cli('status', app, '--json')
  return stdout
}

describe('a home with a record that cannot be read', () => {
  itNeeds(missing ?? noSmallDisk())(
    'renews and shares the other apps, and this one once it can',
    async () => {
      await hub.end()
      {
        using _unreadable = makeUnreadable(join(hub.home.stateDir, 'vault', `${OTHER}.jwe`))
        await hub.start()
        await untilConfirmed(hub)
        await refresh(hub)
        await untilServes(spare, hub)
        expect(await problemOf(OTHER)).toContain('the disk reports an error (EIO)')
      }
      await until(
        'it is read again',
        () => hub.cli('refresh', OTHER),
        ({ code }) => code === 0,
      )
    },
    120_000,
  )
})
