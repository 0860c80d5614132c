/** The agent for launchd, as a property list that launchd could read. None of us has run it on a Mac. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'

const PLIST = join(import.meta.dirname, '../launchd/evo-token.plist')

const TO_JSON =
  "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))"

describe('launchd/evo-token.plist', () => {
  const missing = missingCommands('python3')

  itNeeds(missing)(
    'starts the daemon at login, again where it fails, and gives it time to stop',
    () => {
      expect(agent()).toEqual({
        Label: 'evo-token',
        ProgramArguments: [expect.stringMatching(/^\/.*\/evo-token$/), 'serve'],
        RunAtLoad: true,
        KeepAlive: { SuccessfulExit: false },
        ThrottleInterval: 10,
        // A token request may take 35 s, and is not cut short.
        ExitTimeOut: 45,
        ProcessType: 'Background',
        Umask: 0o077,
        StandardOutPath: expect.stringMatching(/^\/.*\.log$/) as string,
        StandardErrorPath: expect.stringMatching(/^\/.*\.log$/) as string,
      })
    },
  )

  itNeeds(missing)(
    'has no environment to put a secret into, and no session without a keychain',
    () => {
      expect(agent()).not.toHaveProperty('EnvironmentVariables')
      expect(agent()).not.toHaveProperty('LimitLoadToSessionType')
    },
  )
})

function agent(): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', TO_JSON, PLIST], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}
