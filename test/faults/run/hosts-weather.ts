/** What happens to hosts, to the network between them, to their database and to the authorization server. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host, HostsWorld } from '../../hosts/hosts-world.ts'
import type { Chance } from './chance.ts'
import type { SpendingWatch } from './hosts-spending.ts'

export interface Scene {
  readonly world: HostsWorld
  readonly apps: readonly string[]
  readonly keepers: readonly Host[]
  readonly readers: readonly Host[]
  readonly watch: SpendingWatch
  readonly server: ServerWeather
  readonly chance: Chance
}

interface WeatherEvent {
  readonly name: string
  readonly run: (scene: Scene) => Promise<void>
}

/** How the authorization server answers: at once, late, or not at all. */
export class ServerWeather {
  mood: 'quick' | 'slow' | 'silent' = 'quick'
  readonly #chance: Chance
  readonly #ended = new AbortController()

  constructor(chance: Chance) {
    this.#chance = chance
    // Any number of clients may wait.
    setMaxListeners(0, this.#ended.signal)
  }

  /** It has done nothing yet: what it does not answer is not spent. */
  readonly delay = async (): Promise<'go on' | 'cut'> => {
    if (this.mood === 'quick') return 'go on'
    const isSlow = this.mood === 'slow'
    const isCut = !isSlow && this.#chance.happens(0.5)
    const silentMs = isCut ? SILENT_MS : ONE_DAY_MS
    await this.#wait(isSlow ? this.#chance.between(1_000, 8_000) : silentMs)
    return isSlow ? 'go on' : 'cut'
  }

  /** Each client that still waits is sent away. */
  end(): void {
    this.mood = 'quick'
    this.#ended.abort()
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#ended
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}

const SILENT_MS = 10_000
const ONE_DAY_MS = 24 * 3_600_000

export const EVENTS: readonly WeatherEvent[] = [
  {
    name: 'kill -9 of a keeper',
    async run({ keepers, watch, chance }) {
      const host = chance.pick(keepers)
      await kill(host, watch)
      await sleep(chance.between(0, 1_000))
      await host.start()
    },
  },
  {
    name: 'SIGSTOP of a keeper, longer than every limit',
    async run({ keepers, chance }) {
      const host = chance.pick(keepers)
      host.daemon().signal('SIGSTOP')
      await sleep(chance.between(4_500, 7_000))
      host.daemon().signal('SIGCONT')
    },
  },
  {
    name: 'the database killed (`-m immediate`) and started',
    async run({ world: { postgres }, chance }) {
      await postgres.stop('immediate')
      await sleep(chance.between(0, 2_000))
      await postgres.start()
    },
  },
  {
    name: 'the database hangs',
    async run({ world: { postgres }, chance }) {
      postgres.signal('SIGSTOP')
      await sleep(chance.between(500, 3_000))
      postgres.signal('SIGCONT')
    },
  },
  {
    name: 'the cable of a host pulled',
    async run({ keepers, readers, watch, chance }) {
      const host = chance.pick([...keepers, ...keepers, ...readers])
      await cutOff(host, watch, () => sleep(chance.between(1_000, 8_000)))
    },
  },
  {
    name: 'the cable of the database pulled',
    async run({ world: { databasePlace }, chance }) {
      databasePlace?.pullCable()
      await sleep(chance.between(1_000, 8_000))
      databasePlace?.plugIn()
    },
  },
  {
    name: 'the cable of a keeper pulled, and the keeper killed and started meanwhile',
    async run({ keepers, watch, chance }) {
      const host = chance.pick(keepers)
      await cutOff(host, watch, async () => {
        await sleep(chance.between(0, 2_000))
        await kill(host, watch)
        await host.start()
        await sleep(chance.between(0, 3_000))
      })
    },
  },
  {
    name: 'the authorization server answers seconds late',
    async run({ server, chance }) {
      server.mood = 'slow'
      await sleep(chance.between(1_000, 6_000))
      server.mood = 'quick'
    },
  },
  {
    name: 'the authorization server accepts and does not answer',
    async run({ server, chance }) {
      server.mood = 'silent'
      await sleep(chance.between(500, 3_000))
      server.mood = 'quick'
    },
  },
  {
    name: 'move of an app',
    async run({ apps, keepers, chance }) {
      await chance.pick(keepers).cli('share', 'move', chance.pick(apps))
    },
  },
  {
    name: 'take-over of a dead keeper, which comes back',
    async run({ keepers, watch, chance }) {
      const gone = chance.pick(keepers)
      const taker = chance.pick(keepers.filter((host) => host !== gone))
      await kill(gone, watch)
      await sleep(2_500)
      watch.note('taken over', gone)
      await taker.cli('share', 'take-over', gone.name)
      await gone.start()
    },
  },
]

async function kill(host: Host, watch: SpendingWatch): Promise<void> {
  watch.note('killed', host)
  await host.end('SIGKILL')
}

async function cutOff(
  host: Host,
  watch: SpendingWatch,
  meanwhile: () => Promise<void>,
): Promise<void> {
  watch.note('cut off', host)
  host.place?.pullCable()
  await meanwhile()
  host.place?.plugIn()
}
