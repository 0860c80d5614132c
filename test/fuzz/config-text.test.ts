/** Config texts: the example and others with a few things wrong, and what is hardly JSON at all. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { damagedJson, damagedText, holds, hostileValue } from './cases.ts'
import { fits, type Schema } from './json-schema.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = readFileSync(join(ROOT, 'config.example.json'), 'utf8')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'config.schema.json'), 'utf8')) as Schema

/** Values that a person put into the wrong place, and that no message may repeat. */
const CANARIES = ['hunter2-hunter2', 'evtk_hunter2hunter2', 'eyJhdW50ZXIy.aHVudGVyMg.hunter2']
const canary = fc.oneof(
  fc.constantFrom(...CANARIES),
  fc.constantFrom(...CANARIES).map((one) => [one]),
)

const valueText = damagedJson(JSON.parse(EXAMPLE) as object, fc.oneof(hostileValue, canary)).map(
  (value) => JSON.stringify(value, null, 2),
)
const text = fc.oneof(
  { weight: 4, arbitrary: valueText },
  { weight: 2, arbitrary: damagedText(EXAMPLE) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

function judge(config: string): void {
  const parsed = parseConfig(config, '/home/ada')
  const said = parsed.kind === 'ok' ? parsed.warnings : parsed.faults
  // Keys are shown, so that a person can find the place; what stands there is not.
  const messages = said.map(({ message }) => message).join('\n')
  for (const secret of CANARIES) expect(messages).not.toContain(secret)
  if (parsed.kind === 'bad') expect(said.length).toBeGreaterThan(0)
  else expect(fits(SCHEMA, JSON.parse(config.replace(/^\ufeff/, '')))).toBe(true)
}

holds(
  'whatever stands in the config, it is refused with reasons, or fits the schema',
  20,
  fc.property(text, judge),
)

it('the example is accepted, and fits', () => {
  expect(parseConfig(EXAMPLE).kind).toBe('ok')
  judge(EXAMPLE)
})
