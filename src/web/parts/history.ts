/** The time line of the apps, and who takes tokens by the hour: plots, each with its words beside it. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import type { Actions } from '../actions.ts'
import { type Range, RANGES, sortedApps, type State } from '../state.ts'
import { distance, wholeTime } from '../times.ts'
import type { CallerEntry } from '../wire.ts'

/** More rows than a screen has; a button shows the others. */
export const ROWS = 24

export function timelinePart(state: State, actions: Actions): TemplateResult {
  const { items, range, apps, showsAllRows } = state
  if (apps.size === 0) return html``
  const failures = items.filter(({ kind }) => kind === 'renewal_failed').length
  const renewals = items.filter(({ kind }) => kind === 'renewed').length
  return html`<section aria-labelledby="timeline-title">
    <div class="titled">
      <h2 id="timeline-title">Time line</h2>
      <div class="ranges" role="group" aria-label="How far back">
        ${(Object.keys(RANGES) as Range[]).map(
          (one) =>
            html`<button
              aria-pressed=${one === range}
              @click=${() => {
                actions.look(one)
              }}
            >
              ${one}
            </button>`,
        )}
      </div>
    </div>
    <div
      id="timeline"
      class="plot"
      role="img"
      aria-label="${renewals} renewals and ${failures} failures of ${apps.size} apps in the last ${range}. The list below has them one by one."
    ></div>
    <ul class="legend" aria-hidden="true">
      <li class="key-life">token good</li>
      <li class="key-renewed">renewed</li>
      <li class="key-failed">failed</li>
      <li class="key-slept">asleep</li>
      ${range === '30 days' ? html`<li>single entries are kept for 7 days</li>` : nothing}
    </ul>
    ${
      sortedApps(state).length > ROWS
        ? html`<button
            @click=${() => {
              actions.showRows(!showsAllRows)
            }}
          >
            ${showsAllRows ? 'Show fewer' : `Show all ${apps.size} apps`}
          </button>`
        : nothing
    }
  </section>`
}

export function callersPart(state: State, now: number): TemplateResult {
  const totals = totalsByCaller(state)
  const callers = [...state.callers].sort(
    (one, other) => (totals.get(other.name) ?? 0) - (totals.get(one.name) ?? 0),
  )
  const taken = [...totals.values()].reduce((sum, count) => sum + count, 0)
  return html`<section aria-labelledby="callers-title">
    <h2 id="callers-title">Who takes tokens</h2>
    ${
      taken === 0
        ? html`<p class="empty">
            No token was taken in the last ${state.range}. A script gets one by
            <code>evo-token get APP</code>.
          </p>`
        : nothing
    }
    <div
      id="heat-map"
      class="plot"
      ?hidden=${taken === 0}
      role="img"
      aria-label="${taken} tokens in the last ${state.range}, by caller and hour. The table below has the sums."
    ></div>
    <div class="wide" tabindex="0" role="region" aria-label="Callers">
      <table>
        <thead>
          <tr>
            <th scope="col">Caller</th>
            <th scope="col">Apps</th>
            <th scope="col">Last used</th>
            <th scope="col" class="number">Tokens</th>
          </tr>
        </thead>
        <tbody>
          ${ownerRow(totals)} ${callers.map((caller) => callerRow(caller, totals, now))}
        </tbody>
      </table>
    </div>
    <p class="more">New callers are added in the terminal: <code>evo-token caller add</code></p>
  </section>`
}

export function totalsByCaller({ hours }: State): ReadonlyMap<string, number> {
  const totals = new Map<string, number>()
  for (const { caller, tokens } of hours) {
    totals.set(caller ?? '', (totals.get(caller ?? '') ?? 0) + tokens)
  }
  return totals
}

/** Those who come through the owner socket have no key of their own. */
function ownerRow(totals: ReadonlyMap<string, number>) {
  const tokens = totals.get('owner')
  if (tokens === undefined) return nothing
  return html`<tr>
    <th scope="row">owner</th>
    <td>all</td>
    <td>-</td>
    <td class="number">${tokens.toLocaleString()}</td>
  </tr>`
}

function callerRow(
  { name, apps, last_used_at: lastUsed, expires_at: expires = null }: CallerEntry,
  totals: ReadonlyMap<string, number>,
  now: number,
): TemplateResult {
  return html`<tr>
    <th scope="row">
      ${name}
      ${
        expires === null
          ? nothing
          : html`<small title=${wholeTime(expires)}>key ends ${distance(expires, now)}</small>`
      }
    </th>
    <td>${apps[0] === '*' ? 'all' : apps.join(', ')}</td>
    <td>${lastUsed === null ? 'never' : distance(lastUsed, now)}</td>
    <td class="number">${(totals.get(name) ?? 0).toLocaleString()}</td>
  </tr>`
}
