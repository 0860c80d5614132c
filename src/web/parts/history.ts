/** The time line of the apps, and the tokens of each caller by hour: plots, each with a text that says the same. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import type { Actions } from '../actions.ts'
import { type Range, RANGES, shownTime, sortApps, type State } from '../state.ts'
import { distanceTo } from '../../core/durations.ts'
import { wholeTime } from '../times.ts'
import type { CallerAnswer } from '../answers.ts'

/** The most rows of a plot, about a screen; a button shows the others. */
export const PLOT_ROWS_MAX = 24

export function timelinePart(state: State, actions: Actions, now: number): TemplateResult {
  const { items, hasOlderItems, range, apps, showsAllRows } = state
  if (apps.size === 0) return html``
  const since = new Date(shownTime(state, now).from).toISOString()
  const shown = items.filter(({ at }) => at >= since)
  const failures = shown.filter(({ kind }) => kind === 'renewal_failed').length
  const renewals = shown.filter(({ kind }) => kind === 'renewed').length
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
      ${
        hasOlderItems && shown.length === items.length
          ? html`<li>of the last ${items.length.toLocaleString()} entries</li>`
          : nothing
      }
    </ul>
    ${
      sortApps(state).length > PLOT_ROWS_MAX
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
          ${keylessRow('owner', 'all', totals)}
          ${callers.map((caller) => callerRow(caller, totals, now))}
          ${keylessRow(null, 'counted together, beyond some 10,000 pairs a day', totals)}
        </tbody>
      </table>
    </div>
    <p class="more">New callers are added in the terminal: <code>evo-token caller add</code></p>
  </section>`
}

/** Tokens by caller; null for those that a full day counts together. */
export function totalsByCaller({ hours }: State): ReadonlyMap<string | null, number> {
  const totals = new Map<string | null, number>()
  for (const { caller, tokens } of hours) totals.set(caller, (totals.get(caller) ?? 0) + tokens)
  return totals
}

export function callerName(caller: string | null): string {
  return caller ?? '(others)'
}

/** A row without an access key: of the owner, or of what a full day counts together. */
function keylessRow(
  caller: string | null,
  apps: string,
  totals: ReadonlyMap<string | null, number>,
) {
  const tokens = totals.get(caller)
  if (tokens === undefined) return nothing
  return html`<tr>
    <th scope="row">${callerName(caller)}</th>
    <td>${apps}</td>
    <td>-</td>
    <td class="number">${tokens.toLocaleString()}</td>
  </tr>`
}

function callerRow(
  { name, apps, last_used_at: lastUsed, expires_at: expires = null }: CallerAnswer,
  totals: ReadonlyMap<string | null, number>,
  now: number,
): TemplateResult {
  return html`<tr>
    <th scope="row">
      ${name}
      ${
        expires === null
          ? nothing
          : html`<small title=${wholeTime(expires)}>
              key ${Date.parse(expires) > now ? 'ends' : 'ended'} ${distanceTo(expires, now)}
            </small>`
      }
    </th>
    <td class="many">${apps[0] === '*' ? 'all' : apps.join(', ')}</td>
    <td>${lastUsed === null ? 'never' : distanceTo(lastUsed, now)}</td>
    <td class="number">${(totals.get(name) ?? 0).toLocaleString()}</td>
  </tr>`
}
