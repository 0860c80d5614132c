import { describe, expect, it } from 'vitest'
import { locations, ownerEndpoint } from '../../../src/platform/windows/for-clients.ts'
import { isInProfile } from '../../../src/platform/windows/access.ts'
import { parseMachineGuid } from '../../../src/platform/windows/machine-id.ts'
import { quoted } from '../../../src/platform/windows/quoted.ts'

describe('quoted', () => {
  it.each([
    [String.raw`C:\Users\ada\config.json`, String.raw`C:\Users\ada\config.json`],
    [String.raw`C:\Users\ada b\config.json`, String.raw`"C:\Users\ada b\config.json"`],
    ['100% $HOME', "'100% $HOME'"],
    ["it's $5", "'it''s $5'"],
  ])('writes %s as %s', (text, word) => {
    expect(quoted(text)).toBe(word)
  })
})

describe('the machine', () => {
  it('is told by the GUID that reg prints, in any language', () => {
    const said =
      '\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\r\n    MachineGuid    REG_SZ    1B2C3D4E-0000-4111-8222-0123456789ab\r\n\r\n'
    expect(parseMachineGuid(said)).toBe('1b2c3d4e-0000-4111-8222-0123456789ab')
    expect(parseMachineGuid('FEHLER: Das System hat den Schlüssel nicht gefunden.')).toBeNull()
  })
})

describe('the profile', () => {
  it.each([
    [String.raw`C:\Users\ada`, String.raw`c:\users\Ada\AppData\Local\evo-token`, true],
    [String.raw`\\server\homes\ada`, String.raw`\\server\homes\ada\evo token`, true],
    [String.raw`C:\Users\ada`, String.raw`\\server\share\evo-token`, false],
    [String.raw`C:\Users\ada`, String.raw`D:\evo-token`, false],
    [String.raw`C:\Users\ada`, String.raw`C:\Users\adam\evo-token`, false],
    [String.raw`C:\Users\ada`, String.raw`C:\Users\ada`, false],
  ])('%s holds %s: %s', (home, path, holds) => {
    expect(isInProfile(path, home)).toBe(holds)
  })
})

describe('the pipe of the owner', () => {
  it('has another name each time', () => {
    const names = [1, 2].map(() => locations.placesIn('C:\\state', 'C:\\state').socket)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(ownerEndpoint.usable(name, false)).toEqual({ path: name })
  })

  it.each([
    String.raw`\\server\pipe\evo-token`,
    String.raw`C:\state\owner.sock`,
    '/run/owner.sock',
  ])('is not at %s', (path) => {
    expect(ownerEndpoint.pathFault(path)).toContain('pipe of this machine')
    expect(ownerEndpoint.usable(path, true)).toHaveProperty('reason')
  })
})
