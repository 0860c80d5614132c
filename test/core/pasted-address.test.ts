import { describe, expect, it } from 'vitest'
import { addressesIn } from '../../src/core/pasted-address.ts'

const ADDRESS = 'http://localhost:3000/cb?code=c&state=s&iss=https%3A%2F%2Fims.example'

describe('addressesIn', () => {
  it.each([
    ['alone', ADDRESS],
    ['without what browsers leave out', ADDRESS.slice('http://'.length)],
    ['in single quotation marks', `'${ADDRESS}'`],
    ['in typographic ones', `“${ADDRESS}”`],
    ['in angle brackets, with a comma', `<${ADDRESS}>,`],
    ['escaped for a shell', ADDRESS.replace(/[?&=]/g, String.raw`\$&`)],
    ['escaped for HTML', ADDRESS.replaceAll('&', '&amp;')],
    ['over two lines', `${ADDRESS.slice(0, 40)}\r\n  ${ADDRESS.slice(40)}`],
    ['behind a word', `See: ${ADDRESS}`],
  ])('finds an address %s', (_, pasted) => {
    expect(addressesIn(pasted).map(String)).toContain(ADDRESS)
  })

  it('leaves an address of another scheme as it is', () => {
    const address = 'evo-app://callback?code=c&state=s'
    expect(String(addressesIn(address)[0])).toBe(address)
  })

  it.each(['', ' ', '"'])('finds none in %j', (pasted) => {
    expect(addressesIn(pasted)).toEqual([])
  })
})
