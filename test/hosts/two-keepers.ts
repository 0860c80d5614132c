/** Two keepers that know of each other, for the tests of one file, which import them as they are at each time. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { noPostgres } from '../support/postgres.ts'
import {
  type Host,
  type HostsOptions,
  type HostsWorld,
  startHostsWorld,
  untilHomeIs,
} from './hosts-world.ts'

/** What is missing here for these tests, if anything. */
export const missing = noPostgres()

export let world: HostsWorld
/** The home of the app, if there is a session. */
export let hub: Host
export let spare: Host

export interface TwoKeepersOptions extends HostsOptions {
  /** How the app is signed in at `hub`: by a browser, unless it is said. */
  readonly session?: 'by-browser' | 'seeded' | 'none'
}

/** @param forWhich whether each test has two of its own, or all tests of the file the same. */
export function useTwoKeepers(
  forWhich: 'each' | 'all',
  { session = 'by-browser', ...options }: TwoKeepersOptions = {},
): void {
  const [before, after] = forWhich === 'each' ? [beforeEach, afterEach] : [beforeAll, afterAll]
  before(async () => {
    if (missing !== undefined) return
    world = await startHostsWorld(options)
    hub = await world.keeper('hub', session === 'seeded' ? { seed: 'fresh' } : {})
    spare = await world.keeper('spare')
    if (session === 'none') return
    if (session === 'by-browser') {
      const { code, stderr } = await hub.signIn()
      if (code !== 0) throw new Error(stderr)
    }
    await untilHomeIs(spare, hub)
  })
  after(async () => {
    if (missing === undefined) await world[Symbol.asyncDispose]()
  })
}
