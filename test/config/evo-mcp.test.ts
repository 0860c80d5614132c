/** Where evo-mcp keeps its token, on any system. */
import { expect, it } from 'vitest'
import { evoMcpFile, isEvoMcpFile } from '../../src/config/evo-mcp.ts'

it.each([
  ['/home/ada/evo-mcp', '/home/ada/evo-mcp/.cache/evo_token_cache.json'],
  ['/home/ada/evo-mcp/', '/home/ada/evo-mcp/.cache/evo_token_cache.json'],
  ['C:\\Users\\ada\\evo-mcp\\', 'C:\\Users\\ada\\evo-mcp/.cache/evo_token_cache.json'],
])('is in its checkout: %s', (checkout, path) => {
  expect(evoMcpFile('evo-me', checkout)).toEqual({ app: 'evo-me', path, format: 'json' })
})

it.each([
  ['/home/ada/evo-mcp/.cache/evo_token_cache.json', true],
  ['C:\\Users\\ada\\evo-mcp\\.cache\\evo_token_cache.json', true],
  ['/home/ada/evo-mcp/evo_token_cache.json', false],
])('is known again: %s: %s', (path, isOne) => {
  expect(isEvoMcpFile({ path })).toBe(isOne)
})
