import { describe, expect, it } from 'vitest'
import { decodeFileText, decodeText } from '../../src/core/file-text.ts'

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

describe('decodeText', () => {
  const utf16 = Buffer.from('s3cret\r\n', 'utf16le')

  it.each([
    ['UTF-16 without a byte order mark', utf16],
    ['UTF-16 of the other order without one', Buffer.from(utf16).swap16()],
    ['UTF-8 with one', Buffer.from('\ufeffs3cret\r\n')],
  ])('reads %s', (_what, bytes) => {
    expect(decodeText(bytes)).toBe('s3cret\r\n')
  })

  it.each(['', '\0', 'a', '\0a\0b\0', 'a\0b'])('takes %j for what it is', (text) => {
    expect(decodeText(Buffer.from(text))).toBe(text)
  })
})
