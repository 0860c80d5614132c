/** Formats messages of the daemon. */
import { html, type TemplateResult } from 'lit/html.js'

/** Shows text between backticks as a command; punctuation after it stays on the same line. */
export function withCommands(text: string): readonly (string | TemplateResult)[] {
  const [before = '', ...pieces] = text.split(/`([^`]*)`([.,;:]?)/)
  const told: (string | TemplateResult)[] = [before]
  for (let at = 0; at < pieces.length; at += 3) {
    const [command = '', stop = '', rest = ''] = pieces.slice(at, at + 3)
    told.push(html`<span class="whole"><code>${command}</code>${stop}</span>`, rest)
  }
  return told
}
