/** The activity, entry by entry, with filters. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import { repeat } from 'lit/directives/repeat.js'
import { ACTIVITY_KINDS } from '../../core/activity.ts'
import { activitySentence } from '../../core/activity-words.ts'
import type { Actions } from '../actions.ts'
import { matchingItems, type State } from '../state.ts'
import { formatClockTime, formatDay, wholeTime } from '../times.ts'
import type { Item } from '../answers.ts'

/** More entries with each click. */
const ITEMS_PER_CLICK = 100

export function activityPart(state: State, actions: Actions): TemplateResult {
  const matching = matchingItems(state)
  const { apps, callers } = namesIn(state.items)
  const shown = matching.slice(0, state.shownItems)
  return html`<section aria-labelledby="activity-title">
    <h2 id="activity-title">Activity</h2>
    <form
      class="filters"
      @submit=${(event: Event) => {
        event.preventDefault()
      }}
    >
      ${renderChoice('App', 'app', sortNames([...state.apps.keys(), ...apps]), state, actions)}
      ${renderChoice('What', 'kind', ACTIVITY_KINDS, state, actions)}
      ${renderChoice('Caller', 'caller', sortNames([...callers]), state, actions)}
    </form>
    ${matching.length === 0 ? html`<p class="empty">${whyEmpty(state)}</p>` : nothing}
    <ol class="entries">
      ${shown.map((item, index) => renderEntry(item, shown[index - 1]))}
    </ol>
    ${
      matching.length > state.shownItems
        ? html`<button
            @click=${() => {
              actions.showItems(state.shownItems + ITEMS_PER_CLICK)
            }}
          >
            Show more of ${matching.length}
          </button>`
        : nothing
    }
  </section>`
}

function whyEmpty({ items, hasOlderItems }: State): string {
  if (items.length === 0) return 'Nothing has happened yet.'
  return hasOlderItems
    ? `Nothing of this kind is among the last ${items.length.toLocaleString()} entries.`
    : 'Nothing of this kind has happened.'
}

interface Names {
  readonly apps: ReadonlySet<string>
  readonly callers: ReadonlySet<string>
}

/** Names are kept for one list of items: the page is drawn each second, and a week of many apps is long. */
let lastNames: { readonly items: readonly Item[]; readonly names: Names } | undefined

/** The names in the entries, also of apps that the config no longer has. */
function namesIn(items: readonly Item[]): Names {
  if (lastNames?.items === items) return lastNames.names
  const apps = new Set<string>()
  const callers = new Set<string>()
  for (const { app, caller } of items) {
    if (app !== null) apps.add(app)
    if (caller !== null) callers.add(caller)
  }
  lastNames = { items, names: { apps, callers } }
  return lastNames.names
}

function renderEntry(item: Item, before: Item | undefined): TemplateResult {
  const date = formatDay(item.at)
  const isNewDay = before === undefined || formatDay(before.at) !== date
  return html`<li class=${levelOf(item.kind)}>
    ${isNewDay ? html`<span class="day">${date}</span>` : nothing}
    <time datetime=${item.at} title=${wholeTime(item.at)}>${formatClockTime(item.at)}</time>
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

function sortNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

function renderChoice(
  label: string,
  name: 'app' | 'kind' | 'caller',
  options: readonly string[],
  { filters }: State,
  actions: Actions,
): TemplateResult {
  const onChange = (event: Event) => {
    actions.filter(name, (event.target as HTMLSelectElement).value)
  }
  const chosen = filters[name]
  const isGone = chosen !== '' && !options.includes(chosen)
  // The browser remembers the chosen element, not its value: `repeat` keeps an option's element while others change.
  return html`<label>
    ${label}
    <select @change=${onChange} .value=${chosen}>
      <option value="">all</option>
      ${repeat(
        isGone ? [...options, chosen] : options,
        (one) => one,
        (one) =>
          html`<option value=${one}>${name === 'kind' ? one.replaceAll('_', ' ') : one}</option>`,
      )}
    </select>
  </label>`
}
