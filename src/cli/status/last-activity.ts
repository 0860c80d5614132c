/** The last entries of one app, below its status. */
import { toActivityPage } from '../../client/activity.ts'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { activityLine } from './activity-view.ts'

const LAST_ITEMS_SHOWN = 5

/** Empty where nothing has happened, or the daemon is of an earlier version. */
export async function lastActivity(client: Client, app: string): Promise<string> {
  try {
    const path = `/v1/activity?app=${encodeURIComponent(app)}&limit=${LAST_ITEMS_SHOWN}`
    const { items } = toActivityPage(await client.ask({ path }))
    if (items.length === 0) return ''
    return `\nLast activity:\n${items.map((item) => `  ${activityLine(item, 0)}`).join('')}`
  } catch (error) {
    if (error instanceof EvoTokenError && error.code === 'not_found') return ''
    throw error
  }
}
