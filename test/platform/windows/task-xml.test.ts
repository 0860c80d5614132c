import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isXmlAsWritten } from '../../../src/platform/service-xml.ts'
import { fillTask } from '../../../src/platform/windows/task-xml.ts'

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

const TRIGGER = ['Enabled', 'StartBoundary', 'EndBoundary', 'Repetition', 'ExecutionTimeLimit']

/**
 * The part of the "Task Scheduler Schema" that the task uses (version 1.3, as Microsoft publishes it): the children
 * of an element, in this order or in any.
 */
const SCHEMA: Readonly<Record<string, { readonly order?: string[]; readonly all?: string[] }>> = {
  Task: { all: ['RegistrationInfo', 'Triggers', 'Settings', 'Data', 'Principals', 'Actions'] },
  RegistrationInfo: { all: ['Description'] },
  Triggers: { all: ['RegistrationTrigger', 'LogonTrigger'] },
  RegistrationTrigger: { order: [...TRIGGER, 'Delay'] },
  LogonTrigger: { order: [...TRIGGER, 'UserId', 'Delay'] },
  Repetition: { all: ['Interval', 'Duration', 'StopAtDurationEnd'] },
  Principals: { order: ['Principal'] },
  Principal: { all: ['UserId', 'LogonType', 'RunLevel'] },
  Settings: {
    all: [
      'AllowStartOnDemand',
      'RestartOnFailure',
      'MultipleInstancesPolicy',
      'DisallowStartIfOnBatteries',
      'StopIfGoingOnBatteries',
      'AllowHardTerminate',
      'StartWhenAvailable',
      'RunOnlyIfNetworkAvailable',
      'WakeToRun',
      'Enabled',
      'Hidden',
      'IdleSettings',
      'ExecutionTimeLimit',
      'Priority',
      'RunOnlyIfIdle',
    ],
  },
  IdleSettings: { all: ['StopOnIdleEnd', 'RestartOnIdle'] },
  RestartOnFailure: { all: ['Interval', 'Count'] },
  Actions: { order: ['Exec'] },
  Exec: { all: ['Command', 'Arguments', 'WorkingDirectory'] },
}

/** The children of each element that has some, one list for each time that it occurs. */
function elementsOf(xml: string): Map<string, string[][]> {
  const found = new Map<string, string[][]>()
  const open: { name: string; children: string[] }[] = []
  for (const [, end, name = ''] of xml
    .replace(/<!--[^]*?-->/g, '')
    .matchAll(/<(\/?)(\w+)[^>]*>/g)) {
    if (end === '') {
      open.at(-1)?.children.push(name)
      open.push({ name, children: [] })
      continue
    }
    const closed = open.pop()
    expect(closed?.name).toBe(name)
    if (closed && closed.children.length > 0) {
      found.set(name, [...(found.get(name) ?? []), closed.children])
    }
  }
  expect(open).toEqual([])
  return found
}

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

  it('has the elements that the schema of tasks has, in its order', () => {
    const seen = elementsOf(filled)
    expect(new Set(seen.keys())).toEqual(new Set(Object.keys(SCHEMA)))
    for (const [parent, children] of seen) {
      const { order, all } = SCHEMA[parent] ?? {}
      for (const names of children) {
        expect(order ?? all).toEqual(expect.arrayContaining(names))
        expect(new Set(names).size).toBe(names.length)
        if (order) expect(names).toEqual(order.filter((name) => names.includes(name)))
      }
    }
  })

  it('restarts as often as the schema lets it: its count is one byte', () => {
    expect(filled).toContain('<Count>255</Count>')
  })

  it('shows a change by hand', () => {
    expect(isXmlAsWritten(filled)).toBe(true)
    expect(isXmlAsWritten(filled.replace('PT0S', 'PT1H'))).toBe(false)
    expect(isXmlAsWritten(TEMPLATE)).toBe(false)
  })

  it('refuses a path that would be more than one word', () => {
    expect(() => fillTask(TEMPLATE, { ...FILLING, command: ['a', 'b" "c'] })).toThrow('quote')
  })

  it.each([String.raw`C:\100%USERNAME%\main.js`, String.raw`C:\$(Arg0)\main.js`])(
    'refuses a path of which the Task Scheduler would make another: %s',
    (path) => {
      expect(() => fillTask(TEMPLATE, { ...FILLING, command: ['a', path] })).toThrow(
        'would replace',
      )
    },
  )

  it.each([
    [String.raw`C:\100% Müller\main.js`, String.raw`"C:\100% Müller\main.js"`],
    [String.raw`C:\a$1\main.js`, String.raw`"C:\a$1\main.js"`],
    [String.raw`C:\O'Hara (x86)\main.js`, String.raw`"C:\O'Hara (x86)\main.js"`],
    [String.raw`C:\^a;b,c=d!\x`, String.raw`"C:\^a;b,c=d!\x"`],
    ['', '""'],
  ])('writes %s as one word', (path, written) => {
    const text = fillTask(TEMPLATE, { ...FILLING, command: ['a', path] })
    expect(text).toContain(`<Arguments>${written}</Arguments>`)
  })
})
