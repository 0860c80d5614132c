import { describe, expect, it } from 'vitest'
import { toPlainLogLine } from '../../src/cli/log-lines.ts'

const line = (fields: object) => toPlainLogLine(`${JSON.stringify(fields)}\n`)

describe('a log line for a person', () => {
  it('says what needs a person, and the command', () => {
    const hint = 'Sign in: `evo-token login evo-me`.'
    const need = { level: 'warn', app: 'evo-me', need: 'login_required', hint, msg: 'It ended.' }
    expect(line(need)).toBe('evo-me needs you: evo-token login evo-me\n')
  })

  it.each([
    'Correct "clientId" in the config, or register the app as "native", then `evo-token reload`.',
    'Store its client secret again: `evo-token secret evo-me`. If it is right, correct "clientId" in the config, then `evo-token reload`.',
  ])('says all that is to be done where that is more than a command: %s', (hint) => {
    const need = { level: 'warn', app: 'evo-me', need: 'misconfigured', hint, msg: 'Refused.' }
    expect(line(need)).toBe(`evo-me needs you: Refused. ${hint}\n`)
  })

  it('names the app, what happened and why, in no JSON', () => {
    const err = { message: 'connect ECONNREFUSED', stack: 'at x' }
    expect(line({ level: 'error', app: 'evo-me', err, msg: 'renewal failed' })).toBe(
      'error: evo-me: renewal failed: connect ECONNREFUSED\n',
    )
    expect(line({ level: 'info', caller: 'local', app: 'evo-me', msg: 'token served' })).toBe(
      'evo-me: token served (caller local)\n',
    )
  })

  it('has the local time', () => {
    expect(line({ time: '2026-01-01T10:00:00.000Z', msg: 'stopping' })).toMatch(
      /^\d\d:\d\d:\d\d {2}stopping\n$/,
    )
  })

  it('lets nothing of it move the cursor, and leaves what is no JSON', () => {
    expect(line({ msg: 'a\u001b[2Jb' })).toBe('a [2Jb\n')
    expect(toPlainLogLine('Started evo-token.\n')).toBe('Started evo-token.\n')
  })
})
