/** The owner's commands about homes. None of this ever happens by itself. */
import type { KeeperRow, RowHead } from '../../core/sharing/shared-store.ts'
import { SidecarError } from '../../errors.ts'
import { type Sleep, waitAtMost } from '../wait-at-most.ts'
import type { KeeperSharing } from './keeper-sharing.ts'
import type { SharedApp } from './shared-app.ts'

/** How long the old home is waited for. */
const MOVE_MS = 25_000
const HOME_CHANGE_POLL_MS = 250

export interface TakeOverReport {
  readonly taken: readonly string[]
  /** Apps that were not, each with the reason. */
  readonly left: readonly { readonly app: string; readonly reason: string }[]
}

export class HomeCommands {
  readonly #sharing: KeeperSharing
  readonly #sleep: Sleep

  constructor(sharing: KeeperSharing, sleep: Sleep) {
    this.#sharing = sharing
    this.#sleep = sleep
  }

  /**
   * Makes this keeper the home of `app`, with the old one's help.
   *
   * @throws {SidecarError} `unknown_app`, `invalid_request`, `unavailable`.
   */
  async move(app: string): Promise<void> {
    const shared = this.#sharing.shared(app)
    const row = await this.#rowOf(shared)
    if (!row) {
      await shared.adopt()
      return
    }
    if (row.home === this.#sharing.keeper.id) return
    const reason =
      row.home === null
        ? await this.#take(shared, null, undefined)
        : await this.#askForHome(shared, row, row.home)
    if (reason !== undefined) {
      throw new SidecarError('unavailable', `"${app}" was not taken: ${reason}.`)
    }
  }

  /** Has the home hand the app over, while there is room for it here. @returns why it could not be asked. */
  async #askForHome(shared: SharedApp, row: RowHead, home: string): Promise<string | undefined> {
    const opened = await this.#sharing.keeper.store.open(shared.key)
    if (!opened?.value) throw toUnreachedError()
    const result = await shared.withRoom(opened.value, () => this.#handOver(shared, row, home))
    return result === 'done' ? undefined : REFUSAL_WORDS[result]
  }

  async #handOver(shared: SharedApp, row: RowHead, oldHome: string): Promise<'done'> {
    const { app } = shared.key
    const { store, id } = this.#sharing.keeper
    let { revision } = row
    for (;;) {
      const asked = await store.askToMove(shared.key, revision, id)
      if (!asked) throw toUnreachedError()
      if (asked.value) break
      // It was published again in between.
      const again = await this.#rowOf(shared)
      if (!again || again.revision === revision) throw toUnreachedError()
      revision = again.revision
    }
    this.#sharing.keeper.announce()
    await this.#untilHome(shared)
    if (shared.isElsewhere()) {
      const home = this.#sharing.keeper.nameOf(oldHome)
      throw new SidecarError('unavailable', `${home} has not handed "${app}" over yet.`, {
        hint: `It does when it has finished what it is doing. If it is stopped for good: \`evo-token share take-over ${home}\`.`,
      })
    }
    return 'done'
  }

  /**
   * Becomes the home of every app of a keeper that a person declares gone.
   *
   * @param force takes over even from a keeper that seems to run.
   * @throws {SidecarError} `not_found`, `invalid_request`, `unavailable`.
   */
  async takeOver(name: string, force: boolean): Promise<TakeOverReport> {
    const refusal = this.#sharing.keeper.refuseChangeOfHome()
    if (refusal) throw refusal
    const { store, id, beat } = this.#sharing.keeper
    const keepers = await store.keepers()
    const heads = await store.heads()
    if (!keepers || !heads) throw toUnreachedError()
    // A keeper that lost its state directory has a new id, and the same name.
    const gone = new Map<string, KeeperRow | undefined>(
      keepers.value
        .filter((keeper) => keeper.id !== id && (keeper.name === name || keeper.id === name))
        .map((keeper) => [keeper.id, keeper]),
    )
    // The keeper's own row is gone: its id, which `share status` shows, still names the home of these apps.
    if (gone.size === 0 && heads.value.some(({ home }) => home === name)) gone.set(name, undefined)
    if (gone.size === 0) {
      const others = keepers.value.filter((other) => other.id !== id)
      throw unknownKeeper(name, others)
    }
    const runs = [...gone.values()].some((keeper) => keeper && beat.isAlive(keeper, keepers.now))
    if (runs && !force) throw stillRuns(name)
    const taken: string[] = []
    const left: { app: string; reason: string }[] = []
    for (const head of heads.value) {
      if (head.home === null || !gone.has(head.home)) continue
      const before = gone.get(head.home) ?? { id: head.home, beatAt: 0 }
      const shared = this.#sharing.all().find(({ key }) => isOf(key, head))
      const reason = shared
        ? await this.#take(shared, head.home, force ? undefined : before)
        : 'it is not in the config of this keeper'
      if (reason === undefined) taken.push(head.app)
      else left.push({ app: head.app, reason })
    }
    this.#sharing.keeper.lookSoon()
    return { taken, left }
  }

  /** @param from the home that the app is taken from: another one by now is not gone. */
  async #take(
    shared: SharedApp,
    from: string | null,
    gone: Pick<KeeperRow, 'id' | 'beatAt'> | undefined,
  ): Promise<string | undefined> {
    const opened = await this.#sharing.keeper.store.open(shared.key)
    if (!opened?.value) return REFUSAL_WORDS.unreached
    if (opened.value.home !== from) return REFUSAL_WORDS.changed
    const silent = gone && { id: gone.id, since: gone.beatAt }
    const result = await shared.takeOver(opened.value, silent)
    return result === 'done' ? undefined : REFUSAL_WORDS[result]
  }

  /** The app's row; undefined where there is none: the database has lost it, or never had it. */
  async #rowOf(shared: SharedApp): Promise<RowHead | undefined> {
    const refusal = this.#sharing.keeper.refuseChangeOfHome()
    if (refusal) throw refusal
    const answer = await this.#sharing.keeper.store.head(shared.key)
    if (!answer) throw toUnreachedError()
    return answer.value
  }

  async #untilHome(shared: SharedApp): Promise<void> {
    const { clock } = this.#sharing.keeper
    const endsAt = clock.read().mono + MOVE_MS
    while (shared.isElsewhere() && clock.read().mono < endsAt) {
      this.#sharing.keeper.lookSoon()
      await waitAtMost(this.#sleep, HOME_CHANGE_POLL_MS, new Promise(() => undefined))
    }
  }
}

const REFUSAL_WORDS = {
  changed: 'its row was changed meanwhile: look again',
  'unknown-key': 'its copy is sealed with a vault key that is not here',
  broken: 'its copy is damaged',
  'no-room': 'the disk of this keeper has no room for it, as the log says',
  older:
    'this keeper has seen a newer one: the database was restored (--force takes it all the same)',
  unreached: 'the database could not be reached',
} as const

function isOf(key: { readonly app: string; readonly identityDigest: string }, head: RowHead) {
  return key.app === head.app && key.identityDigest === head.identityDigest
}

function toUnreachedError(): SidecarError {
  return new SidecarError('unavailable', 'The database did not answer. Nothing was changed.', {
    hint: '`evo-token share status` says how it is.',
  })
}

function unknownKeeper(name: string, keepers: readonly KeeperRow[]): SidecarError {
  const names = keepers.map((keeper) => keeper.name).join(', ')
  return new SidecarError('not_found', `There is no keeper "${name}".`, {
    hint: names === '' ? 'This is the only keeper.' : `There are: ${names}.`,
  })
}

function stillRuns(name: string): SidecarError {
  return new SidecarError('invalid_request', `The keeper ${name} still runs.`, {
    hint: 'Move its apps instead: `evo-token share move APP`. If another machine has its name, or it runs without reaching anything: stop it, wait a minute, and try again; or --force, which may cost sessions.',
  })
}
