import { describe, expect, it } from 'vitest'
import { mayBeFile, pathKey } from '../../../src/platform/windows/file-path.ts'

describe('a path of Windows', () => {
  it.each([
    String.raw`C:\work\.env`,
    'd:/work/.env',
    String.raw`C:\Müllers Klon (x86)\a.b.c\.env.local`,
    String.raw`\\server\share\.env`,
    '//server/share/.env',
    String.raw`\\?\C:\work\.env`,
    '\\\\?\\C:\\' + 'ein langer Ordner\\'.repeat(30) + '.env',
    String.raw`\\?\UNC\server\share\.env`,
    String.raw`\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\.env`,
    String.raw`C:\a\..\.\b`,
    // They only begin as a device does.
    String.raw`C:\console\nullable.txt`,
    String.raw`C:\com10\.nul`,
    String.raw`C:\com1x\lpt`,
    String.raw`C:\auxiliary`,
    String.raw`C:\日本語\トークン`,
  ])('is that of a file: %s', (path) => {
    expect(mayBeFile(path)).toBe(true)
  })

  it.each([
    ['of no drive', String.raw`\work\.env`],
    ['of no drive', '/work/.env'],
    ['of the current directory of a drive', String.raw`C:work\.env`],
    ['of the current directory', String.raw`work\.env`],
    ['of a device', String.raw`\\.\COM1`],
    ['of a device', String.raw`\\.\C:\work\.env`],
    ['of a device', '//./NUL'],
    ['of a pipe', String.raw`\\?\pipe\x`],
    ['of a device', String.raw`\\?\GLOBALROOT\Device\x\y`],
    ['of a machine alone', String.raw`\\server\.env`],
    ['of a device', String.raw`C:\work\NUL`],
    ['of a device', 'C:/work/nul.txt'],
    ['of a device', String.raw`C:\Con\x`],
    ['of a device', String.raw`C:\work\COM1.env`],
    ['of a device', String.raw`C:\work\lpt9`],
    ['of a device', String.raw`C:\work\com¹`],
    ['of a device', String.raw`C:\work\aux .env`],
    ['of a device', String.raw`C:\work\CONOUT$`],
    ['of a device', String.raw`\\?\C:\NUL`],
    ['of a device', String.raw`\\server\share\prn`],
    ['with a dot at its end', String.raw`C:\work\.env.`],
    ['with a dot at the end of a directory', String.raw`C:\work.\.env`],
    ['with dots alone', String.raw`C:\work\...`],
    ['with a blank at its end', 'C:\\work\\.env '],
    ['of a stream', String.raw`C:\work\a.txt:token`],
    ['of a stream', String.raw`C:\work\.env::$DATA`],
    ['for many', String.raw`C:\work\*.env`],
    ['that no file system takes', String.raw`C:\work\a|b`],
    ['that no file system takes', 'C:\\work\\a\tb'],
  ])('%s is none of a file: %s', (_what, path) => {
    expect(mayBeFile(path)).toBe(false)
  })

  it.each([
    [String.raw`C:\Work\.env`, 'c:/work/.ENV'],
    [String.raw`C:\work\.env`, String.raw`\\?\c:\work\.env`],
    [String.raw`\\Server\Share\.env`, String.raw`\\?\UNC\server\share\.env`],
    [String.raw`C:\work\a\..\.env`, String.raw`C:\work\.env`],
    [String.raw`C:\MÜLLER\.env`, String.raw`C:\müller\.env`],
  ])('%s is the same as %s', (one, other) => {
    expect(pathKey(one)).toBe(pathKey(other))
  })

  it('is another one in another directory', () => {
    expect(pathKey(String.raw`C:\a\.env`)).not.toBe(pathKey(String.raw`D:\a\.env`))
    expect(pathKey(String.raw`\\one\share\x`)).not.toBe(pathKey(String.raw`\\two\share\x`))
  })
})
