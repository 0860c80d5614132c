/** A card for every app: the state of its token, what is wrong, and buttons for what can be done. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Actions } from '../actions.ts'
import { sortApps, type State } from '../state.ts'
import { distanceTo, inLargeUnits } from '../../core/durations.ts'
import { wholeTime } from '../times.ts'
import type { AppStatusAnswer } from '../answers.ts'
import { withCommands } from './words.ts'

/** From so many apps on, cards out of sight are not laid out; a picture of the whole page lacks them. */
const MANY_APPS = 100

const FRESHNESS_WORDS: Readonly<Record<string, string>> = {
  fresh: 'fresh',
  stale: 'renews now',
  expired: 'expired',
  none: 'no token',
}

export function appsPart(state: State, actions: Actions, now: number): TemplateResult {
  const apps = sortApps(state)
  return html`<section aria-labelledby="apps-title">
    <h2 id="apps-title">Apps</h2>
    ${apps.length === 0 && state.connection === 'live' ? noApp() : nothing}
    <ul class="cards ${apps.length >= MANY_APPS ? 'hundreds' : ''}">
      ${repeat(
        apps.slice(0, state.drawnCards),
        ({ app }) => app,
        (status) => html`<li>${renderCard(status, state, actions, now)}</li>`,
      )}
    </ul>
  </section>`
}

function noApp(): TemplateResult {
  return html`<div class="empty">
    <p><strong>No app is configured yet.</strong></p>
    <p>
      <code>evo-token init</code> asks for what it needs and writes the config. The app appears here
      as soon as the daemon has read it: <code>evo-token reload</code>.
    </p>
  </div>`
}

function renderCard(
  status: AppStatusAnswer,
  state: State,
  actions: Actions,
  now: number,
): TemplateResult {
  const { app, type, problem, subject, session_expires_at: sessionEnd } = status
  const level = problem ? (problem.blocking ? 'bad' : 'warn') : 'good'
  const rows = [
    renderRow('Signed in as', type === 'service' ? null : subject),
    renderRow('Home', status.home ?? null),
    renderRow('Next renewal', status.refresh_at && formatUpcoming(status.refresh_at, now)),
    renderRow('Next attempt', status.retry_at && formatUpcoming(status.retry_at, now)),
    renderRow(
      sessionEndName(sessionEnd, now),
      sessionEnd && distanceTo(sessionEnd, now),
      sessionEnd,
    ),
  ].filter((one) => one !== undefined)
  return html`<article class="card ${level}" aria-label=${app}>
    <header>
      <h3>${app}</h3>
      <span class="type">${type}</span>
      <span class="state">${stateWord(status)}</span>
    </header>
    ${renderLife(status, now)} ${rows.length > 0 ? html`<dl>${rows}</dl>` : nothing}
    ${
      problem
        ? html`<div class="problem">
            <p><strong>${withCommands(problem.message)}</strong></p>
            <p>${withCommands(problem.hint)}</p>
          </div>`
        : nothing
    }
    ${clickResult(app, state)} ${renderButtons(status, state, actions)}
  </article>`
}

function stateWord({ session, freshness, problem }: AppStatusAnswer): string {
  if (session === 'signed-out') return 'signed out'
  if (session === 'misconfigured') return 'misconfigured'
  if (session === 'retrying') return freshness === 'fresh' ? 'fresh, retrying' : 'retrying'
  return problem && !problem.blocking ? 'look at this' : (FRESHNESS_WORDS[freshness] ?? freshness)
}

/** What is left of the token's life, as a bar. */
function renderLife(
  { expires_at: end, refreshed_at: start, freshness }: AppStatusAnswer,
  now: number,
) {
  if (end === null) {
    const words = freshness === 'none' ? 'No token' : 'The token does not end'
    return html`<p class="left">${words}</p>`
  }
  const left = Math.max(0, Date.parse(end) - now)
  const whole = start === null ? left : Date.parse(end) - Date.parse(start)
  const words = left > 0 ? `${inLargeUnits(left)} left` : `expired ${distanceTo(end, now)}`
  return html`<p class="left" title=${wholeTime(end)}>${words}</p>
    <progress
      class=${freshness}
      max=${Math.max(1, Math.round(whole / 1000))}
      value=${Math.round(left / 1000)}
      aria-label="Life of the token"
    ></progress>`
}

/** `now` for what is due: the next heartbeat does it. */
function formatUpcoming(instant: string, now: number): string {
  return Date.parse(instant) > now ? distanceTo(instant, now) : 'now'
}

function sessionEndName(end: string | null, now: number): string {
  return end !== null && Date.parse(end) <= now ? 'Session ended' : 'Session ends'
}

function renderRow(name: string, value: string | null, instant?: string | null) {
  if (!value) return undefined
  const title = instant ? wholeTime(instant) : nothing
  return html`<div>
    <dt>${name}</dt>
    <dd title=${title}>${value}</dd>
  </div>`
}

function clickResult(app: string, { told, signIns }: State) {
  const one = told.get(app)
  const link = signIns.get(app)?.link
  return html`<div aria-live="polite">
    ${one ? html`<p class="told ${one.isFault ? 'fault' : ''}">${withCommands(one.text)}</p>` : nothing}
    ${
      link
        ? html`<p class="told">
            <a href=${link} target="_blank" rel="noopener">Open the sign-in page</a>
          </p>`
        : nothing
    }
  </div>`
}

function renderButtons(status: AppStatusAnswer, state: State, actions: Actions): TemplateResult {
  const { app, type, session, problem } = status
  const isBusy = state.busy.has(app) || state.connection !== 'live'
  const isSignedOut = session === 'signed-out'
  const wantsSignIn =
    type !== 'service' &&
    (isSignedOut || problem?.error === 'login_required' || status.session_expires_soon)
  const asksAgain = state.signingOut === app
  const isWaiting = state.signIns.has(app)
  return html`<div class="buttons">
    ${
      wantsSignIn
        ? html`<button
            class="main"
            aria-disabled=${isBusy}
            @click=${() => {
              actions.signIn(app)
            }}
          >
            Sign in<span class="hidden"> to ${app}</span>
          </button>`
        : nothing
    }
    ${
      isWaiting
        ? html`<button
            aria-disabled=${state.connection !== 'live'}
            @click=${() => {
              actions.cancelSignIn(app)
            }}
          >
            Cancel<span class="hidden"> the sign-in to ${app}</span>
          </button>`
        : nothing
    }
    ${
      isSignedOut && type !== 'service'
        ? nothing
        : html`<button
            aria-disabled=${isBusy}
            @click=${() => {
              actions.renew(app)
            }}
          >
            Renew now<span class="hidden"> ${app}</span>
          </button>`
    }
    ${
      isSignedOut
        ? nothing
        : html`<button
            class=${asksAgain ? 'danger' : ''}
            aria-disabled=${isBusy}
            @keydown=${stopRepeating}
            @click=${({ detail }: MouseEvent) => {
              // The second click of a double click does not confirm.
              if (detail < 2) actions.signOut(app)
            }}
          >
            ${asksAgain ? 'Really sign out?' : 'Sign out'}<span class="hidden"> ${app}</span>
          </button>`
    }
  </div>`
}

/** Ignores the repeated clicks of an Enter key that is held down. */
function stopRepeating(event: KeyboardEvent): void {
  if (event.repeat && event.key === 'Enter') event.preventDefault()
}
