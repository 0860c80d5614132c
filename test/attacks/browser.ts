/** A real Chromium, for which hostile names lead to this machine. */
import { execFileSync } from 'node:child_process'
import { type Browser, chromium } from 'playwright-core'
import { missingCommands } from '../support/needs.ts'
import { RECORDER_ADDRESS } from './recorder.ts'

/** Why a test with a browser cannot run here; undefined where it can. */
export const noBrowser =
  process.platform === 'linux' ? missingCommands('chromium') : `no ${RECORDER_ADDRESS} but on Linux`

/** What no test needs, and what would make the browser talk to others. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function startBrowser(): Promise<Browser> {
  const rules = [
    `MAP localhost ${RECORDER_ADDRESS}`,
    `MAP evil.test ${RECORDER_ADDRESS}`,
    'MAP rebound.test 127.0.0.1',
  ]
  return chromium.launch({
    executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    args: [
      ...ARGS,
      `--host-resolver-rules=${rules.join(', ')}`,
      // Chromium does not run as root otherwise.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
}
