/** Entries of the activity as lines for a terminal, in local time. */
import type { ActivityItem } from '../../client/activity.ts'
import { activitySentence } from '../../core/activity-words.ts'
import { plain } from '../plain.ts'

/** @param appWidth how wide the column of the apps is; 0 leaves it out. */
export function activityLine(item: ActivityItem, appWidth: number): string {
  const { at, app, caller, duration_ms: durationMs, fingerprint } = item
  const what = activitySentence({ ...item, durationMs })
  const who = caller === null ? '' : `  by ${caller}`
  const which = fingerprint === null ? '' : `  ${fingerprint}`
  const column = appWidth > 0 ? `${(app ?? '-').padEnd(appWidth)}  ` : ''
  return `${plain(`${localTime(at)}  ${column}${what}${who}${which}`.trimEnd())}\n`
}

export function activityLines(items: readonly ActivityItem[]): string {
  const width = Math.max(1, ...items.map(({ app }) => app?.length ?? 0))
  return items.map((item) => activityLine(item, width)).join('')
}

/** As `2026-01-01 13:05:09`, in the zone of this machine. */
function localTime(instant: string): string {
  const date = new Date(instant)
  const two = (part: number) => String(part).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}
