/** What we print for PowerShell, read with a grammar of PowerShell: no PowerShell runs here. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'

const PYTHON = process.env.EVO_TOKEN_PYTHON ?? ''
const FAULTS = join(import.meta.dirname, 'powershell-faults.py')

function noGrammar(): string | undefined {
  if (!PYTHON) return 'EVO_TOKEN_PYTHON names no Python with clients/python/requirements-test.txt'
  const { status } = spawnSync(PYTHON, ['-c', 'import tree_sitter, tree_sitter_powershell'])
  return status === 0
    ? undefined
    : `${PYTHON} has not what clients/python/requirements-test.txt says`
}

/** The lines in which the grammar finds a fault. */
function faultsOf(input: string): string {
  const { stdout, stderr, status } = spawnSync(PYTHON, [FAULTS], { input, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

function printed(...args: readonly string[]): string {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' }).stdout
}

describe('the PowerShell that is printed', () => {
  const it = itNeeds(noGrammar())

  it('has no fault', () => {
    const init = ['shell-init', '--shell', 'powershell']
    for (const line of [
      ['completion', 'powershell'],
      init,
      [...init, '--socket', String.raw`\\.\pipe\x`],
      [...init, '--state-dir', "/tmp/it's $(evil) ‘x’ `n"],
    ]) {
      const text = printed(...line)
      expect(text).toContain('evo-token')
      expect(faultsOf(text), line.join(' ')).toBe('')
    }
  })

  it('keeps the mark before what was typed, which a bare `--` would not be', () => {
    expect(printed('completion', 'powershell')).toContain(`__complete powershell '--' @typed`)
  })

  it('would show one', () => {
    const text = printed('shell-init', '--shell', 'powershell')
    expect(faultsOf(text.replace('Invoke-RestMethod @request\n}', ''))).not.toBe('')
  })
})
