import { describe, expect, it } from 'vitest'
import { decodeForms } from '../../../src/cli/guard/forms.ts'

const TOKEN = 'Zm9v-a-refresh-token-that-we-hold'
const utf16 = (text: string) => Buffer.from(text, 'utf16le').toString('latin1')
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16().toString('latin1')
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
const wrapped = (text: string, end: string) => text.replace(/.{64}/g, `$&${end}`)
const base64url = (text: string) => Buffer.from(text, 'latin1').toString('base64url')

describe('formsOf', () => {
  it('is the text alone where nothing is encoded', () => {
    expect([...decodeForms('const plain = "nothing"; // 100 % sure')]).toEqual([
      'const plain = "nothing"; // 100 % sure',
    ])
  })

  it.each([
    ['UTF-16', utf16(`$env:TOKEN = '${TOKEN}'`)],
    ['UTF-16 of the other byte order', bigEndian(`TOKEN ${TOKEN}`)],
    ['UTF-16 whose first byte went with the line before', utf16(`x${TOKEN}\r\n`).slice(1)],
    ['UTF-16 with a byte order mark', `\xff\xfe${utf16(TOKEN)}`],
    ['a percent-encoded line break', `a%0A${TOKEN}%0Ab`],
    ['percent-encoding, twice', `a%250A${TOKEN}%2526`],
    ['every character percent-encoded', TOKEN.replace(/./g, (one) => `%${hex(one)}`)],
    ['a JSON escape', `{"log":"x\\n${TOKEN}\\tmore"}`],
    ['JSON in JSON', `{"log":"{\\"x\\":\\"\\\\n${TOKEN}\\""}`],
    ['a Unicode escape', `"\\u003d${TOKEN}\\u0026"`],
    ['a hexadecimal escape', `'\\x22${TOKEN}\\x22'`],
    ['escapes with braces', TOKEN.replace(/\W/g, (one) => `\\u{${hex(one)}}`)],
    ['escapes of eight digits', TOKEN.replace(/\W/g, (one) => `\\U000000${hex(one)}`)],
    [
      'octal escapes',
      TOKEN.replace(/[^a-z]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`),
    ],
    ['HTML with decimal entities', `<b>&#34;${TOKEN.replace(/\W/g, '&#45;')}&#34;</b>`],
    ['HTML with hexadecimal entities', `<b>${TOKEN.replace(/./g, (one) => `&#x${hex(one)};`)}</b>`],
    ['HTML with named entities', `x&equals;${TOKEN}&apos;y`],
    ['HTML in JSON', `"\\u0026quot;${TOKEN}&quot;"`],
    ['the colours of a terminal', `\x1b[1;32m${TOKEN}\x1b[0m`],
    ['base64', base64(`id:${TOKEN}`)],
    ['base64 for URLs', base64url(`>>>???${TOKEN}>>>???`)],
    ['base64 with something glued to it', `/path/${base64(`{"token":"${TOKEN}"}`)}`],
    ['base64 behind one character', `x${base64(` ${TOKEN} `)}`],
    ['base64 behind two characters', `xy${base64(` ${TOKEN} `)}`],
    ['base64 in lines of a JSON string', wrapped(base64(`${'x'.repeat(80)} ${TOKEN} x`), '\\n')],
    ['base64 in lines of a URL', wrapped(base64(`${'x'.repeat(80)} ${TOKEN} x`), '%0D%0A')],
    ['base64 of UTF-16', base64(utf16(`x ${TOKEN}`))],
    ['base64 in base64', base64(`{"auth":"${base64(`id:${TOKEN}`)}"}`)],
    ['base64 in JSON in UTF-16', utf16(`"\\n${base64(`id:${TOKEN}`)}"`)],
  ])('decodes %s', (_, text) => {
    const found = [...decodeForms(text)].some((form) =>
      new RegExp(`(?:^|\\W)${TOKEN}(?:\\W|$)`).test(form),
    )
    expect(found).toBe(true)
  })

  it('leaves escapes alone that are none', () => {
    const text = 'a 5% b %zz & &x; &no-name; &#; &#xzz; &amp \\'
    expect([...decodeForms(text)]).toEqual([text])
  })

  it.each([
    'QUFB',
    'UFBQ',
    '%25',
    '&amp;',
    '&',
    '\\u{2d}',
    '\\055',
    '\\\\',
    '\\n',
    'A'.repeat(20) + '\\n',
    '%',
    'A\0',
    '\0',
    '\x1b[',
  ])('is no more than nine times a text of %j', (text) => {
    const forms = [...decodeForms(text.repeat(20_000))]
    const length = forms.reduce((sum, form) => sum + form.length, 0)
    expect(length).toBeLessThanOrEqual(9 * 20_000 * text.length)
  })

  it('decodes a text of many MB as far as it is encoded in earnest', () => {
    const lines = `{"token":"${TOKEN}","of":"an export of some kind"}`.repeat(20_000)
    const encoded = base64(base64(base64(base64(lines))))
    const found = [...decodeForms(encoded)].filter((form) => form.includes(lines))
    expect(found).toHaveLength(1)
  })

  it('is no more than four times a long text that was crafted', () => {
    const text = `${base64('V'.repeat(40))}${'V'.repeat(40)} `.repeat(10_000)
    const length = [...decodeForms(text)].reduce((sum, form) => sum + form.length, 0)
    expect(length).toBeLessThanOrEqual(4 * text.length)
  })
})

function hex(one: string): string {
  return one.charCodeAt(0).toString(16)
}
