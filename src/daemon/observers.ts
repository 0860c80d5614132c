/** Reacts to changes of an app: rewrites its token files, and notifies a person. */
import type { TokenFiles } from '../adapters/token-files/token-files.ts'
import { attentionEvent, type Need, needOf } from '../core/attention.ts'
import type { Log } from '../core/ports.ts'
import type { Problem } from '../core/problem.ts'
import type { Sealed } from '../core/token.ts'
import type { NoticeGroups } from './notice-groups.ts'

export interface ObservedBroker {
  problems(app: string): readonly Problem[]
  issuer(app: string): string
  accessToken(app: string): Sealed | undefined
}

export interface ObserverDeps {
  readonly files: TokenFiles
  readonly notices: NoticeGroups
  readonly log: Log
}

export function createObserver({ files, notices, log }: ObserverDeps) {
  const needs = new Map<string, Need>()

  async function observe(app: string, broker: ObservedBroker): Promise<void> {
    const problem = broker.problems(app).find((one) => needOf(one) !== undefined)
    const need = problem && needOf(problem)
    const event = attentionEvent(needs.get(app), need)
    if (need) needs.set(app, need)
    else needs.delete(app)
    // The app may have left the config when the files are written.
    const issuer = broker.issuer(app)
    await files.update(app, broker.accessToken(app))
    if (!event) return
    if (event === 'recovered') {
      log.info({ app, need: event }, 'recovered')
    } else if (problem) {
      // The log gets the words that name no person.
      log.warn({ app, need: event, hint: problem.callers.hint }, problem.callers.message)
    }
    const words = event === 'recovered' ? sayRecovered(app) : problemWords(problem)
    await notices.tell(app, issuer, event, words)
  }

  /** Fire-and-forget: failures are logged here. */
  return (app: string, broker: ObservedBroker): void => {
    observe(app, broker).catch((error: unknown) => {
      log.error({ app, err: error }, 'updating the token files or giving a notice failed')
    })
  }
}

function problemWords(problem: Problem | undefined): string {
  return problem ? `${problem.owner.message} ${problem.owner.hint}` : ''
}

function sayRecovered(app: string): string {
  return `"${app}" has recovered.`
}
