import { inLargeUnits } from '../../src/core/durations.ts'
import { describe, expect, it } from 'vitest'
import { toStatusAnswer } from '../../src/client/status-answer.ts'
import { statusFields, statusLine, statusTable } from '../../src/cli/status/status-view.ts'
import { status } from './stand-in.ts'

const NOW = Date.UTC(2026, 0, 1)
const problem = { error: 'unavailable', message: 'No answer.', hint: 'Wait.', blocking: true }
const failure = { error: 'unavailable', message: 'No answer.', at: '2026-01-01T00:00:00Z' }

describe('statusTable', () => {
  it('shows an app in a line, its columns below their titles', () => {
    const other = status({
      app: 'pipeline',
      type: 'service',
      session: 'retrying',
      freshness: 'expired',
      expires_at: '2025-12-31T23:00:00Z',
      retry_at: '2026-01-01T00:00:40Z',
      last_error: failure,
      problem,
    })
    expect(statusTable([status(), other], NOW, false)).toBe(
      [
        'APP       TYPE     SESSION   TOKEN    TIME LEFT  NEXT REFRESH  PROBLEM',
        'evo-me    native   active    fresh    1 h        in 50 min',
        'pipeline  service  retrying  expired  over       in 40 s       unavailable',
        '',
      ].join('\n'),
    )
  })

  it('shows that a token does not end', () => {
    const endless = status({ expires_at: null, refresh_at: null })
    expect(statusTable([endless], NOW, false).split('\n')[1]).toMatch(/fresh {2,}no end {2,}-$/)
    expect(statusFields(endless, NOW)).toMatch(/^expires: +never$/m)
  })

  it('shows what is not there as a dash', () => {
    const none = status({
      session: 'signed-out',
      freshness: 'none',
      expires_at: null,
      refresh_at: null,
    })
    expect(statusTable([none], NOW, false).split('\n')[1]).toMatch(/signed-out {2}none {3}- +-$/)
  })

  it('is coloured only where it may be, and as wide as without', () => {
    const coloured = statusTable([status()], NOW, true)
    const escape = String.fromCharCode(27)
    expect(coloured).toContain(`${escape}[32mactive `)
    expect(coloured.replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '')).toBe(
      statusTable([status()], NOW, false),
    )
  })

  it('says so where there is no app', () => {
    expect(statusTable([], NOW, false)).toBe('No app is configured.\n')
  })
})

it('statusLine shows a change with its time', () => {
  expect(statusLine(status(), NOW)).toBe(
    '2026-01-01T00:00:00Z evo-me  native  active  fresh  1 h  in 50 min\n',
  )
})

it('a status of an earlier daemon has its last failure as its problem', () => {
  const { problem: _, ...earlier } = status({ last_error: failure })
  expect(toStatusAnswer(earlier).problem).toMatchObject({
    error: 'unavailable',
    message: 'No answer.',
  })
})

describe('statusFields', () => {
  it('shows everything there is, and what to do', () => {
    const lost = status({
      session: 'signed-out',
      subject: 'ada',
      failures: 2,
      last_error: failure,
      problem,
    })
    expect(statusFields(lost, NOW)).toBe(
      [
        'app:           evo-me',
        'type:          native',
        'session:       signed-out',
        'signed in as:  ada',
        'scopes:        evo.discovery evo.workspace',
        'token:         fresh',
        'fingerprint:   1f3a9c02',
        'expires:       2026-01-01T01:00:00Z (in 1 h)',
        'last refresh:  2026-01-01T00:00:00Z (now)',
        'next refresh:  2026-01-01T00:50:00Z (in 50 min)',
        'failures:      2',
        'problem:       unavailable (2026-01-01T00:00:00Z): No answer.',
        'what to do:    Wait.',
        '',
      ].join('\n'),
    )
  })

  it('shows the words of a server without their effect', () => {
    const told = status({ last_error: failure, problem: { ...problem, message: 'a\x1b[2J\nb' } })
    expect(statusFields(told, NOW)).toContain('): a [2J b\n')
  })
})

it.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [3_600_000, '1 h'],
  [5_400_000, '1 h 30 min'],
  [47 * 3_600_000, '47 h'],
  [49 * 3_600_000, '2 days'],
])('duration of %i ms is %s, never more than there is', (ms, shown) => {
  expect(inLargeUnits(ms)).toBe(shown)
})

describe('statusTable on a narrow terminal', () => {
  const statuses = [
    status({ subject: 'anna.lindqvist@example.com' }),
    status({
      app: 'evo-pipeline',
      type: 'service',
      session: 'misconfigured',
      freshness: 'stale',
      problem: { ...problem, error: 'invalid_client' },
      subject: null,
    }),
  ]
  const lines = (width: number) => statusTable(statuses, NOW, false, width).trimEnd().split('\n')

  it.each([60, 80, 120])('fits into %i characters, with person and problem', (width) => {
    expect(Math.max(...lines(width).map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines(width)[1]).toContain('anna.li')
    expect(lines(width)[2]).toContain('invalid_client')
  })

  it('leaves out the least needed columns first, and shortens the person last', () => {
    expect(lines(120)[0]).toMatch(
      /APP +TYPE +SESSION +TOKEN +TIME LEFT +NEXT REFRESH +PERSON +PROBLEM/,
    )
    expect(lines(80)[0]).toMatch(/^APP +SESSION +TOKEN +TIME LEFT +PERSON +PROBLEM/)
    expect(lines(120)[1]).toContain('anna.lindqvist@example.com')
  })
})
