/** What happened, entry by entry, with filters. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import { ACTIVITY_KINDS } from '../../core/activity.ts'
import { activitySentence } from '../../core/activity-words.ts'
import type { Actions } from '../actions.ts'
import { matchingItems, type State } from '../state.ts'
import { clockTime, day, wholeTime } from '../times.ts'
import type { Item } from '../wire.ts'

/** More entries with each click. */
const STEP = 100

export function activityPart(state: State, actions: Actions): TemplateResult {
  const matching = matchingItems(state)
  const callers = [...new Set(state.items.flatMap(({ caller }) => caller ?? []))].sort()
  const shown = matching.slice(0, state.shownItems)
  return html`<section aria-labelledby="activity-title">
    <h2 id="activity-title">Activity</h2>
    <form
      class="filters"
      @submit=${(event: Event) => {
        event.preventDefault()
      }}
    >
      ${choice('App', 'app', [...state.apps.keys()].sort(), state, actions)}
      ${choice('What', 'kind', ACTIVITY_KINDS, state, actions)}
      ${choice('Caller', 'caller', callers, state, actions)}
    </form>
    ${matching.length === 0 ? html`<p class="empty">${whyEmpty(state)}</p>` : nothing}
    <ol class="entries">
      ${shown.map((item, index) => entry(item, shown[index - 1]))}
    </ol>
    ${
      matching.length > state.shownItems
        ? html`<button
            @click=${() => {
              actions.showItems(state.shownItems + STEP)
            }}
          >
            Show more of ${matching.length}
          </button>`
        : nothing
    }
  </section>`
}

function whyEmpty({ items }: State): string {
  return items.length === 0 ? 'Nothing has happened yet.' : 'Nothing of this kind has happened.'
}

function entry(item: Item, before: Item | undefined): TemplateResult {
  const date = day(item.at)
  const isNewDay = before === undefined || day(before.at) !== date
  return html`<li class=${levelOf(item.kind)}>
    ${isNewDay ? html`<span class="day">${date}</span>` : nothing}
    <time datetime=${item.at} title=${wholeTime(item.at)}>${clockTime(item.at)}</time>
    <span class="app">${item.app ?? ''}</span>
    <span class="what">${activitySentence({ ...item, durationMs: item.duration_ms })}</span>
    <span class="who">${item.caller ?? ''}</span>
  </li>`
}

export function levelOf(kind: string): 'good' | 'bad' | 'plain' {
  if (['renewal_failed', 'session_ended', 'sign_in_failed', 'page_refused'].includes(kind)) {
    return 'bad'
  }
  return ['renewed', 'signed_in', 'recovered'].includes(kind) ? 'good' : 'plain'
}

function choice(
  label: string,
  name: 'app' | 'kind' | 'caller',
  options: readonly string[],
  { filters }: State,
  actions: Actions,
): TemplateResult {
  const onChange = (event: Event) => {
    actions.filter(name, (event.target as HTMLSelectElement).value)
  }
  return html`<label>
    ${label}
    <select @change=${onChange} .value=${filters[name]}>
      <option value="">all</option>
      ${options.map((one) => html`<option value=${one}>${one.replaceAll('_', ' ')}</option>`)}
    </select>
  </label>`
}
