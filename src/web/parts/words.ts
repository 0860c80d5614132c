/** The daemon's words as the page shows them. */
import { html, type TemplateResult } from 'lit/html.js'

/** What stands between backticks is a command. */
export function withCommands(text: string): readonly (string | TemplateResult)[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))
}
