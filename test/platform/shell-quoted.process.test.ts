import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { quoted } from '../../src/platform/posix/shell-quoted.ts'

describe('quoted', () => {
  it('is what a shell reads as one word', () => {
    const odd = "/home/o'neil and $co/`x`.json"
    expect(execFileSync('sh', ['-c', `printf %s ${quoted(odd)}`]).toString()).toBe(odd)
    expect(quoted('/home/me/config.json')).toBe('/home/me/config.json')
  })
})
