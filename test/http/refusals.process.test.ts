import { describe, expect, it } from 'vitest'
import { createRefusalLog } from '../../src/http/refusals.ts'
import { later, NOW, recordingLog } from '../support/builders.ts'
import { openDoors } from './doors.ts'

function refusalLog() {
  const clock = { now: NOW, read: () => clock.now }
  const log = recordingLog()
  return { clock, log, refused: createRefusalLog(log, clock) }
}

describe('the log of refusals', () => {
  it('writes ten lines a second for a reason, however many keys are tried', () => {
    const { clock, log, refused } = refusalLog()
    for (let second = 0; second < 3; second += 1) {
      for (let at = 0; at < 100_000; at += 1) {
        clock.now = later(second * 1_000 + at / 100)
        refused('invalid_key', { path: '/v1/apps' })
      }
    }
    expect(log.lines).toHaveLength(30)
    expect(log.lines.every(({ level }) => level === 'warn')).toBe(true)
    expect(log.lines[9]?.message).not.toContain('suppressed')
    expect(log.lines[10]?.message).toContain('"suppressed":99990')
    expect(log.lines[11]?.message).not.toContain('suppressed')
  })

  it('counts each reason for itself', () => {
    const { log, refused } = refusalLog()
    for (let at = 0; at < 20; at += 1) refused('invalid_key', {})
    refused('wrong_host', {})
    expect(log.lines).toHaveLength(11)
  })

  it('opens a new window a second after the last one opened, and not before', () => {
    const { clock, log, refused } = refusalLog()
    for (let at = 0; at < 10; at += 1) refused('forbidden', {})
    clock.now = later(999)
    refused('forbidden', {})
    expect(log.lines).toHaveLength(10)
    clock.now = later(1_000)
    refused('forbidden', {})
    expect(log.lines).toHaveLength(11)
  })

  it('leaves what is between a caller and its app to debug', () => {
    const { log, refused } = refusalLog()
    refused('login_required', {})
    refused('unavailable', {})
    expect(log.lines.map(({ level }) => level)).toEqual(['debug', 'debug'])
  })

  it('says where the request went, without its query and what no name looks like, and never the key', async () => {
    await using doors = await openDoors()
    await doors
      .tcp('evtk_wrong-key')
      .get(`/v1/apps/${'a'.repeat(300)}?k=evtk_wrong-key`)
      .expect(401)
    expect(doors.log.lines).toHaveLength(1)
    const [{ level, message } = { level: '', message: '' }] = doors.log.lines
    expect(level).toBe('warn')
    expect(message).toContain('"reason":"invalid_key"')
    expect(message).toContain('"door":"tcp","method":"GET","path":"/v1/apps/…"')
    expect(message.length).toBeLessThan(300)
    expect(message).not.toContain('wrong-key')
  })
})
