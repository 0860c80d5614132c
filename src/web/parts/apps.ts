/** Every app as a card: how its token is, what is wrong, and what a click can do about it. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Actions } from '../actions.ts'
import { sortedApps, type State } from '../state.ts'
import { distance, length, wholeTime } from '../times.ts'
import type { AppStatus } from '../wire.ts'
import { withCommands } from './words.ts'

const WORDS: Readonly<Record<string, string>> = {
  fresh: 'fresh',
  stale: 'renews now',
  expired: 'expired',
  none: 'no token',
}

export function appsPart(state: State, actions: Actions, now: number): TemplateResult {
  const apps = sortedApps(state)
  return html`<section aria-labelledby="apps-title">
    <h2 id="apps-title">Apps</h2>
    ${apps.length === 0 && state.connection === 'live' ? noApp() : nothing}
    <ul class="cards">
      ${repeat(
        apps.slice(0, state.drawnCards),
        ({ app }) => app,
        (status) => html`<li>${card(status, state, actions, now)}</li>`,
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

function card(status: AppStatus, state: State, actions: Actions, now: number): TemplateResult {
  const { app, type, problem, subject, session_expires_at: sessionEnd } = status
  const level = problem ? (problem.blocking ? 'bad' : 'warn') : 'good'
  const rows = [
    row('Signed in as', type === 'service' ? null : subject),
    row('Home', status.home ?? null),
    row('Next renewal', status.refresh_at && distance(status.refresh_at, now)),
    row('Next attempt', status.retry_at && distance(status.retry_at, now)),
    row('Session ends', sessionEnd && distance(sessionEnd, now), sessionEnd),
  ].filter((one) => one !== undefined)
  return html`<article class="card ${level}" aria-label=${app}>
    <header>
      <h3>${app}</h3>
      <span class="type">${type}</span>
      <span class="state">${stateWord(status)}</span>
    </header>
    ${life(status, now)} ${rows.length > 0 ? html`<dl>${rows}</dl>` : nothing}
    ${
      problem
        ? html`<div class="problem">
            <p><strong>${withCommands(problem.message)}</strong></p>
            <p>${withCommands(problem.hint)}</p>
          </div>`
        : nothing
    }
    ${told(app, state)} ${buttons(status, state, actions)}
  </article>`
}

function stateWord({ session, freshness, problem }: AppStatus): string {
  if (session === 'signed-out') return 'signed out'
  if (session === 'misconfigured') return 'misconfigured'
  if (session === 'retrying') return freshness === 'fresh' ? 'fresh, retrying' : 'retrying'
  return problem && !problem.blocking ? 'look at this' : (WORDS[freshness] ?? freshness)
}

/** The token's life as a bar that runs down. */
function life({ expires_at: end, refreshed_at: start, freshness }: AppStatus, now: number) {
  if (end === null) {
    const words = freshness === 'none' ? 'No token' : 'The token does not end'
    return html`<p class="left">${words}</p>`
  }
  const left = Math.max(0, Date.parse(end) - now)
  const whole = start === null ? left : Date.parse(end) - Date.parse(start)
  const words = left > 0 ? `${length(left)} left` : `expired ${distance(end, now)}`
  return html`<p class="left" title=${wholeTime(end)}>${words}</p>
    <progress
      class=${freshness}
      max=${Math.max(1, Math.round(whole / 1000))}
      value=${Math.round(left / 1000)}
      aria-label="Life of the token"
    ></progress>`
}

function row(name: string, value: string | null, instant?: string | null) {
  if (!value) return undefined
  const title = instant ? wholeTime(instant) : nothing
  return html`<div>
    <dt>${name}</dt>
    <dd title=${title}>${value}</dd>
  </div>`
}

function told(app: string, { told, signInLinks }: State) {
  const one = told.get(app)
  const link = signInLinks.get(app)
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

function buttons(status: AppStatus, state: State, actions: Actions): TemplateResult {
  const { app, type, session, problem } = status
  const isBusy = state.busy.has(app) || state.connection !== 'live'
  const isSignedOut = session === 'signed-out'
  const wantsSignIn =
    type !== 'service' &&
    (isSignedOut || problem?.error === 'login_required' || status.session_expires_soon)
  const asksAgain = state.signingOut === app
  return html`<div class="buttons">
    ${
      wantsSignIn
        ? html`<button
            class="main"
            ?disabled=${isBusy}
            @click=${() => {
              actions.signIn(app)
            }}
          >
            Sign in<span class="hidden"> to ${app}</span>
          </button>`
        : nothing
    }
    ${
      isSignedOut
        ? nothing
        : html`<button
              ?disabled=${isBusy}
              @click=${() => {
                actions.renew(app)
              }}
            >
              Renew now<span class="hidden"> ${app}</span>
            </button>
            <button
              class=${asksAgain ? 'danger' : ''}
              ?disabled=${isBusy}
              @click=${() => {
                actions.signOut(app)
              }}
            >
              ${asksAgain ? 'Really sign out?' : 'Sign out'}<span class="hidden"> ${app}</span>
            </button>`
    }
  </div>`
}
