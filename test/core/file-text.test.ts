import { describe, expect, it } from 'vitest'
import { decodeFileText } from '../../src/core/file-text.ts'

describe('decodeFileText', () => {
  it.each([
    ['UTF-8', Buffer.from('Schlüssel €')],
    ['UTF-16 as PowerShell 5 writes it', Buffer.from('\ufeffSchlüssel €', 'utf16le')],
    ['UTF-16 of the other order', Buffer.from('\ufeffSchlüssel €', 'utf16le').swap16()],
  ])('reads %s', (_what, bytes) => {
    expect(decodeFileText(bytes)).toBe('Schlüssel €')
  })

  it('keeps the byte order mark of UTF-8, so that a config stays what it is', () => {
    expect(decodeFileText(Buffer.from('\ufeff{}'))).toBe('\ufeff{}')
  })

  it.each([
    ['what is no text', Buffer.from([0x7b, 0xe4, 0x7d])],
    ['half a character of UTF-16', Buffer.from([0xff, 0xfe, 0x00, 0xd8])],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeFileText(bytes)).toThrow(TypeError)
  })
})
