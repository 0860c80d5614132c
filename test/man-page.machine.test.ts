/** The manual page is the table's, and groff finds no fault in it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'

const PAGE = 'man/evo-token.1'

it('is up to date (npm run man)', () => {
  const made = execFileSync(process.execPath, ['scripts/man-page.mjs'], { encoding: 'utf8' })
  expect(readFileSync(PAGE, 'utf8')).toBe(made)
})

itNeeds(missingCommands('groff'))('has no fault that groff warns of', () => {
  const { status, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z', PAGE], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
