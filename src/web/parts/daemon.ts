/** `doctor`, check by check, and facts about the daemon. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import type { Actions } from '../actions.ts'
import type { State } from '../state.ts'
import { distanceTo } from '../../core/durations.ts'
import type { CheckAnswer } from '../answers.ts'
import { withCommands } from './words.ts'

export function doctorPart({ doctor, connection }: State, actions: Actions): TemplateResult {
  const isRunning = doctor?.isRunning ?? false
  return html`<section aria-labelledby="doctor-title">
    <h2 id="doctor-title">Doctor</h2>
    <p>Finds out why there is no token, from the config up to Evo itself.</p>
    <button
      aria-disabled=${isRunning || connection !== 'live'}
      @click=${() => {
        actions.runDoctor()
      }}
    >
      ${isRunning ? 'Running…' : 'Run doctor'}
    </button>
    <ol class="checks" aria-live="polite">
      ${doctor?.verdicts.map(renderCheck) ?? nothing}
    </ol>
    ${doctor && !isRunning && !doctor.fault ? html`<p>${summarizeChecks(doctor.verdicts)}</p>` : nothing}
    ${doctor?.fault ? html`<p class="told fault">${doctor.fault}</p>` : nothing}
  </section>`
}

function summarizeChecks(verdicts: readonly CheckAnswer[]): string {
  const failed = verdicts.filter(({ ok }) => !ok).length
  return failed === 0 ? 'All checks passed.' : `${failed} of ${verdicts.length} checks failed.`
}

function renderCheck({ id, app, ok, detail, hint }: CheckAnswer): TemplateResult {
  return html`<li class=${ok ? 'good' : 'bad'}>
    <strong>${ok ? 'ok' : 'failed'}</strong>
    <span>${app === null ? '' : `${app}: `}${id}: ${detail}</span>
    ${hint === null ? nothing : html`<p>${withCommands(hint)}</p>`}
  </li>`
}

export function aboutPart({ about }: State, now: number): TemplateResult {
  if (!about) return html``
  const rows: readonly (readonly [string, string | null])[] = [
    ['Version', about.version],
    ['Started', distanceTo(about.started_at, now)],
    ['Process', String(about.pid)],
    ['Callers ask at', about.url],
    ['Owner socket', about.socket],
    ['Config', about.config],
    ['State', about.state_directory],
    ['You are', about.role],
    [
      'Shares sessions as',
      about.share.shared ? `${about.share.name}, a ${about.share.role}` : null,
    ],
  ]
  return html`<section aria-labelledby="about-title">
    <h2 id="about-title">The daemon</h2>
    <dl class="about">
      ${rows.map(([name, value]) =>
        value === null
          ? nothing
          : html`<div>
              <dt>${name}</dt>
              <dd>${value}</dd>
            </div>`,
      )}
    </dl>
  </section>`
}
