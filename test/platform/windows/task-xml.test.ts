import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fillTask, isTaskAsWritten } from '../../../src/platform/windows/task-xml.ts'

const TEMPLATE = readFileSync(join(import.meta.dirname, '../../../windows/evo-token.xml'), 'utf8')

const FILLING = {
  user: 'S-1-5-21-3623811015-3361044348-30300820-1013',
  command: [
    String.raw`C:\Windows\System32\conhost.exe`,
    '--headless',
    String.raw`C:\Program Files\nodejs\node.exe`,
    String.raw`C:\Users\Müller & Söhne\main.js`,
    'serve',
    '--state-dir',
    'D:\\evo token\\',
  ],
  program: '0123456789abcdef',
} as const

describe('the task of the service', () => {
  const filled = fillTask(TEMPLATE, FILLING)

  it('runs the program with each argument as one word, without a window', () => {
    expect(filled).toContain(String.raw`<Command>C:\Windows\System32\conhost.exe</Command>`)
    expect(filled).toContain(
      String.raw`<Arguments>--headless "C:\Program Files\nodejs\node.exe" "C:\Users\Müller &amp; Söhne\main.js" serve --state-dir "D:\evo token\\"</Arguments>`,
    )
  })

  it('is this user’s, at log-on, and without a right more', () => {
    expect(filled.match(/<UserId>.*<\/UserId>/g)).toEqual(
      Array(2).fill(`<UserId>${FILLING.user}</UserId>`),
    )
    expect(filled).toContain('<LogonType>InteractiveToken</LogonType>')
    expect(filled).toContain('<RunLevel>LeastPrivilege</RunLevel>')
  })

  it.each([
    '<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
    '<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
  ])('has %s', (setting) => {
    expect(filled).toContain(setting)
  })

  it('closes each element that it opens', () => {
    const open: string[] = []
    for (const [, end, name = ''] of filled.matchAll(/<(\/?)(\w+)[^>]*>/g)) {
      if (end === '') open.push(name)
      else expect(open.pop()).toBe(name)
    }
    expect(open).toEqual([])
  })

  it('shows a change by hand', () => {
    expect(isTaskAsWritten(filled)).toBe(true)
    expect(isTaskAsWritten(filled.replace('PT0S', 'PT1H'))).toBe(false)
    expect(isTaskAsWritten(TEMPLATE)).toBe(false)
  })

  it('refuses a path that would be more than one word', () => {
    expect(() => fillTask(TEMPLATE, { ...FILLING, command: ['a', 'b" "c'] })).toThrow('quote')
  })
})
