/**
 * One notice for the apps of one issuer that the same thing happens to at nearly the same time: an outage
 * or a revocation meets all of them. What is over before it was told is not told.
 */
import type { NotifierEvent } from '../adapters/process/notifier.ts'
import type { Clock } from '../core/ports.ts'

export interface NoticeGroups {
  /** Resolves when the notice that has `app` in it was given, or was not needed any more. */
  tell(app: string, issuer: string, event: NotifierEvent, words: string): Promise<void>
}

export interface NoticeGroupsDeps {
  readonly clock: Clock
  /** Gives a notice; several apps are separated by blanks. */
  readonly notify: (apps: string, event: NotifierEvent, words: string) => Promise<void>
  readonly sleep: (ms: number) => Promise<void>
  /** The least time between two notices of the same event of one issuer. */
  readonly everyMs: number
}

/** Apps that are due together are renewed one after another, within a second or so each. */
const GATHER_MS = 2_000

export function createNoticeGroups({
  clock,
  notify,
  sleep,
  everyMs,
}: NoticeGroupsDeps): NoticeGroups {
  /** By issuer and event: what is to be said of each app. */
  const waiting = new Map<string, Map<string, string>>()
  const toldAt = new Map<string, number>()
  /** The needs that a person was told of, by app. */
  const told = new Set<string>()

  function forget(app: string): void {
    for (const group of waiting.values()) group.delete(app)
  }

  return {
    async tell(app, issuer, event, words) {
      forget(app)
      if (event === 'recovered' && !told.delete(app)) return
      const key = `${issuer} ${event}`
      const joined = waiting.get(key)
      if (joined) {
        joined.set(app, words)
        return
      }
      const group = new Map([[app, words]])
      waiting.set(key, group)
      const before = toldAt.get(key) ?? Number.NEGATIVE_INFINITY
      await sleep(Math.max(GATHER_MS, before + everyMs - clock.read().mono))
      waiting.delete(key)
      const apps = [...group.keys()]
      if (apps.length === 0) return
      toldAt.set(key, clock.read().mono)
      if (event !== 'recovered') for (const one of apps) told.add(one)
      await notify(apps.join(' '), event, inOne(group))
    },
  }
}

/** What is said of the first app, and that it is the same with the others. */
function inOne(group: ReadonlyMap<string, string>): string {
  const [[, words = ''] = [], ...others] = group
  if (others.length === 0) return words
  const names = others.map(([app]) => `"${app}"`).join(', ')
  return `${words} The same goes for ${names}: \`evo-token status\`.`
}
