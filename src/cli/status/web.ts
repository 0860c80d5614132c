/** `web`: opens the page in the browser, by a link that works once. */
import { createClient } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'

export const web: CommandRow = {
  details:
    'The page shows every app, what happened and who takes tokens. It holds no token and no access key. It ends 15 minutes after it was closed, and when the daemon stops.',
  arguments: [],
  options: {
    'no-browser': {
      type: 'boolean',
      description: 'Print the link, which works once, and open no browser.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [{ line: 'evo-token web', says: 'The browser opens.' }],
  async run({ flag, io, place }) {
    const { open_url: link } = await createClient(place).ask({ method: 'POST', path: '/v1/web' })
    if (typeof link !== 'string') throw failureOf('its answer holds no link', 'the owner socket')
    const mayOpen = !flag('no-browser') && platform.desktop.mayOpenBrowser(io.env)
    if (mayOpen) {
      const { openBrowser } = await import('../signing-in/login-browser.ts')
      if (await openBrowser(link)) {
        io.stderr.write(
          'The page opens in the browser. If it does not, run `evo-token web --no-browser`.\n',
        )
        return 0
      }
    }
    io.stderr.write(
      'Open this link in a browser of this machine, within 5 minutes. It works once:\n',
    )
    io.stdout.write(`${link}\n`)
    return 0
  },
}
