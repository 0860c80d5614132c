import { describe, expect, it } from 'vitest'
import { environmentWith } from '../../../src/platform/windows/environment.ts'
import { commandPaths, programInPath } from '../../../src/platform/windows/program-in-path.ts'

/** Finds `name`, where these files are and no others. */
function find(name: string, env: Record<string, string>, ...files: string[]) {
  return programInPath(name, env, (path) => files.includes(path))
}

const GIT = String.raw`C:\Program Files\Git\cmd\git.exe`

describe('a program of Windows', () => {
  it.each([
    [String.raw`C:\Windows;C:\Program Files\Git\cmd`],
    [String.raw`"C:\Program Files\Git\cmd";C:\x`],
    [String.raw`;;C:\Program Files\Git\cmd\;`],
    ['C:/Program Files/Git/cmd'],
    [String.raw`"C:\a;b";C:\Program Files\Git\cmd`],
  ])('is found in PATH: %s', (path) => {
    expect(find('git', { PATH: path }, GIT)).toBe(GIT)
  })

  it.each([
    String.raw`.`,
    String.raw`bin`,
    String.raw`..\bin`,
    String.raw`\bin`,
    String.raw`C:bin`,
    String.raw`C:`,
    '',
    ';',
    '"."',
    '%CD%',
  ])('is not looked for in a directory that is relative to the current one: %s', (path) => {
    const seen: string[] = []
    const found = programInPath('git', { PATH: path }, (file) => seen.push(file) > 0)
    expect({ found, seen }).toEqual({ found: undefined, seen: [] })
  })

  it('is the first one', () => {
    const both = [String.raw`C:\b\git.exe`, String.raw`C:\a\git.exe`]
    expect(find('git', { PATH: String.raw`C:\a;C:\b` }, ...both)).toBe(both[1])
  })

  it('may be on another machine, and in a directory with a semicolon', () => {
    const path = String.raw`\\server\tools\git.exe`
    expect(find('git', { PATH: String.raw`\\server\tools` }, path)).toBe(path)
    const odd = String.raw`C:\a;b\git.exe`
    expect(find('git', { PATH: String.raw`"C:\a;b"` }, odd)).toBe(odd)
  })

  it('is found by PATH in any letters, as a copy of the environment has it', () => {
    expect(find('git', { Path: String.raw`C:\Program Files\Git\cmd` }, GIT)).toBe(GIT)
  })

  it('is one that needs no shell, with its ending or without', () => {
    const env = { PATH: String.raw`C:\a` }
    expect(find('npm', env, String.raw`C:\a\npm.cmd`, String.raw`C:\a\npm`)).toBeUndefined()
    expect(find('a.EXE', env, String.raw`C:\a\a.EXE`)).toBe(String.raw`C:\a\a.EXE`)
    expect(find('python3.13', env, String.raw`C:\a\python3.13.exe`)).toBe(
      String.raw`C:\a\python3.13.exe`,
    )
  })

  it.each([String.raw`.\job.exe`, String.raw`C:\job.exe`, 'bin/job', 'C:job'])(
    'is what a person names by its path: %s',
    (path) => {
      expect(find(path, { PATH: String.raw`C:\a` })).toBe(path)
    },
  )
})

it('is a command also as a script that npm installs', () => {
  expect(commandPaths('evo-token', { Path: String.raw`C:\npm;.;"D:\pip"` })).toEqual([
    String.raw`C:\npm\evo-token.ps1`,
    String.raw`C:\npm\evo-token.exe`,
    String.raw`C:\npm\evo-token.cmd`,
    String.raw`D:\pip\evo-token.ps1`,
    String.raw`D:\pip\evo-token.exe`,
    String.raw`D:\pip\evo-token.cmd`,
  ])
})

it('gets a variable once, whatever letters its name had before', () => {
  const env = { Path: 'x', EVO_TOKEN: 'old', evo_token_app: 'old' }
  expect(environmentWith(env, { evo_token: 'new', EVO_TOKEN_APP: 'me' })).toEqual({
    Path: 'x',
    evo_token: 'new',
    EVO_TOKEN_APP: 'me',
  })
})
