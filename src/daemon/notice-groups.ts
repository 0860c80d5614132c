/**
 * One notice for the apps of an issuer that the same happens to at nearly the same time: an outage or a
 * revocation affects all of them. There is no notice of what was over before it could be given.
 */
import type { NotifierEvent } from '../adapters/process/notifier.ts'
import type { Clock } from '../core/ports.ts'

export interface NoticeGroups {
  /** Resolves when the notice that has `app` in it was given, or was not needed any more. */
  tell(app: string, issuer: string, event: NotifierEvent, words: string): Promise<void>
}

export interface NoticeGroupsDeps {
  readonly clock: Clock
  /** Gives a notice; several apps are separated by blanks, and are 200 at most. */
  readonly notify: (apps: string, event: NotifierEvent, words: string) => Promise<void>
  readonly sleep: (ms: number) => Promise<void>
  /** The least time between two notices of the same event of one issuer. */
  readonly everyMs: number
}

/** The names of the apps go into a variable of a program: Windows gives it 32,767 characters in all, Linux 128 KiB. */
const NAMED_MAX = 200

/** More names than these no person reads in a notice. */
const NAMES_SHOWN_MAX = 10

/** Apps that are due together are renewed one after another, within a second or so each. */
const GATHER_MS = 2_000

export function createNoticeGroups({
  clock,
  notify,
  sleep,
  everyMs,
}: NoticeGroupsDeps): NoticeGroups {
  /** By issuer and event: the words for each app. */
  const waiting = new Map<string, Map<string, string>>()
  const toldAt = new Map<string, number>()
  /** The apps that a person was notified of. */
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
      await notify(apps.slice(0, NAMED_MAX).join(' '), event, inOne(group))
    },
  }
}

/** The words for the first app, and that the same goes for the others. */
function inOne(group: ReadonlyMap<string, string>): string {
  const [[, words = ''] = [], ...others] = group
  if (others.length === 0) return words
  const shown = others.slice(0, NAMES_SHOWN_MAX).map(([app]) => `"${app}"`)
  const more = others.length - shown.length
  const names = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')
  return `${words} The same goes for ${names}: \`evo-token status\`.`
}
