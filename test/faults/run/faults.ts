/**
 * `npm run faults`: every promise about sessions, measured, and written to `docs/reliability.md`. Takes
 * about an hour, a third of it the soak. Exits with 1 where a promise was not kept.
 *
 *     npm run faults -- [PART …] [--seed N] [--soak MINUTES] [--short]
 *
 * With the name of a part only that one is measured, and takes the place of what it measured before.
 * `--short` does a tenth of everything and prints the document instead of writing it.
 */
import { parseArgs } from 'node:util'
import { chanceOf } from './chance.ts'
import { documentOf, type Entry, readEntries, toEntry, writeEntries } from './document.ts'
import { PARTS } from './parts.ts'

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    soak: { type: 'string', default: '20' },
    short: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const { short } = values
const unknown = names.filter((name) => !PARTS.some((part) => part.name === name))
if (unknown.length > 0) {
  const known = PARTS.map(({ name }) => name).join(', ')
  process.stderr.write(`There is no part ${unknown.join(', ')}. The parts are ${known}.\n`)
  process.exit(2)
}

const begun = performance.now()
const minutesSince = (instant: number) => (performance.now() - instant) / 60_000
const tell = (what: string) => {
  process.stderr.write(`${minutesSince(begun).toFixed(1)} min: ${what}\n`)
}

// It makes every process that we start slower, and changes nothing that is measured.
delete process.env.NODE_EXTRA_CA_CERTS

tell(`seed ${seed}`)
const measured: Record<string, Entry> = {}
for (const { name, measure } of PARTS) {
  if (names.length > 0 && !names.includes(name)) continue
  tell(name)
  const from = performance.now()
  const result = await measure({
    seed,
    chance: chanceOf(String(seed)).fork(name),
    share: (count) => (short ? Math.ceil(count / 10) : count),
    soakMinutes: Number(values.soak),
  })
  measured[name] = toEntry(result, seed, Math.ceil(minutesSince(from)))
  if (!short) writeEntries({ ...readEntries(), ...measured })
}
if (short) process.stdout.write(documentOf(measured))
const wrong = Object.values(measured).flatMap((entry) => entry.wrong)
for (const what of wrong) tell(`not as it must be: ${what}`)
process.exitCode = wrong.length > 0 ? 1 : 0
