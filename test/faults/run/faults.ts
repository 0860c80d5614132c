/**
 * `npm run faults`: every promise about sessions, measured, and written to `docs/reliability.md`. Takes
 * about three quarters of an hour, most of it the soak. Exits with 1 where a promise was not kept.
 *
 *     npm run faults -- [--seed N] [--soak MINUTES] [--short]
 *
 * `--short` does a tenth of everything and prints the document instead of writing it.
 */
import { writeFile } from 'node:fs/promises'
import { cpus, release, type } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { MAIN } from '../../support/daemon-process.ts'
import { type FastCases, fastCasesSection, runFastCases } from './fast-cases.ts'
import { type MachineFigures, machineSection, measureMachine } from './machine.ts'
import { measurePath, type PathFigures, pathSection } from './path.ts'

const REFRESHES = 2_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    soak: { type: 'string', default: '20' },
    short: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const { short } = values

const begun = performance.now()
const tell = (what: string) => {
  process.stderr.write(`${((performance.now() - begun) / 60_000).toFixed(1)} min: ${what}\n`)
}

// It makes every process that we start slower, and changes nothing that is measured.
delete process.env.NODE_EXTRA_CA_CERTS

tell(`seed ${seed}`)
tell('fast cases')
const fastCases = await runFastCases()
tell('path')
const path = await measurePath(seed, short ? REFRESHES / 10 : REFRESHES)
const machine = await measureMachine({
  seed,
  short,
  soakMinutes: Number(values.soak),
  onProgress: tell,
})

const wrong = [
  ...fastCases.flatMap(({ file, failed }) => failed.map((name) => `${file}: ${name}`)),
  ...path.wrong,
  ...machine.wrong,
]
const document = toDocument({ fastCases, path, machine })
if (short) process.stdout.write(document)
else await writeFile(join(dirname(MAIN), '../docs/reliability.md'), document)
for (const what of wrong) tell(`not as it must be: ${what}`)
process.exitCode = wrong.length > 0 ? 1 : 0

interface Measured {
  readonly fastCases: readonly FastCases[]
  readonly path: PathFigures
  readonly machine: MachineFigures
}

function toDocument({ fastCases: files, path: onPath, machine: onMachine }: Measured): string {
  const { kills, terms, soak: soaked, wakes, damage, locks, lockedOut } = onMachine
  const minutes = Math.round((performance.now() - begun) / 60_000)
  const lost = kills.anywhere.lostOutside + kills.aimed.lostOutside
  const inWindow = kills.anywhere.lostInWindow + kills.aimed.lostInWindow
  const casesOf = (...names: readonly string[]) => {
    const own = files.filter(({ file }) => names.some((name) => file.startsWith(name)))
    const passed = own.reduce((sum, one) => sum + one.passed, 0)
    const failed = own.reduce((sum, one) => sum + one.failed.length, 0)
    return `${passed} cases, ${failed} failed`
  }
  return `# Reliability

What is promised about sessions, and what it came to. This file is written by the run that measured it,
\`npm run faults\`; nobody edits it. The fast form of all of it is part of \`npm test\`.

${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${type()} ${release()}, ${cpus().length} cores, ${minutes} minutes, seed ${seed}.
The same seed makes the same draws (\`npm run faults -- --seed ${seed}\`); what the machine makes of them
differs a little each time.

| | promise | what it came to |
|---|---|---|
| 1 | a kill -9 costs no session, except between the server's answer and our disk | ${kills.anywhere.kills + kills.aimed.kills} kills: ${lost} sessions lost outside of that window, ${inWindow} inside; the window is ${kills.window.fromAnswer.median.toFixed(1)} ms wide (p99 ${kills.window.fromAnswer.p99.toFixed(1)} ms) |
| 2 | a SIGTERM costs none, exits within 35 s, leaves nothing behind | ${terms.terms} stops: ${terms.lost} lost, slowest exit ${(terms.exits.max / 1000).toFixed(1)} s, ${terms.leftFiles} left files |
| 3 | no fault on the path costs a session, but an answer lost after the server rotated | ${onPath.refreshes} refreshes, ${onPath.faultsMet} faults: ${onPath.lostWithoutCause} lost without cause, ${onPath.requests} requests where ${onPath.bound} are allowed |
| 4 | a vault that cannot write: nothing is asked, the token is served | ${casesOf('unwritable', 'machine-disk')} |
| 5 | a thousand callers, one request | ${casesOf('crowd')} |
| 6 | sleep and clock steps serve nothing expired, ask for no sign-in, set off no storm | ${wakes ? `${wakes.stops} stops and ${wakes.jumps} clock steps: ${wakes.expired} expired tokens among ${wakes.served}, ${wakes.signOuts} sign-ins, ${wakes.requests} requests where ${wakes.bound} are allowed` : 'not measured'}; ${casesOf('wake', 'machine-clock')} |
| 7 | a damaged record costs its app alone, and is kept | ${damage.damaged} records: ${damage.unnoticed} not noticed, ${damage.others} other apps hurt, ${damage.gone} not kept |
| 8 | changes that meet: what was asked last holds, nothing is left unrevoked | ${casesOf('meeting', 'changed')} |
| 9 | a vault that does not fit is locked, and nothing in it moves | ${lockedOut.length} kinds: ${lockedOut.reduce((sum, one) => sum + one.movedFiles, 0)} files moved |
| 10 | one daemon per state directory | ${locks.rounds} rounds of ${locks.together} at once: ${locks.notOne} times not exactly one |
| 11 | a soak of ${soaked.minutes} minutes | ${soaked.refreshes} refreshes: ${soaked.unexpectedSignOuts.length} unexpected sign-outs; memory ${soaked.usage.early.rssMiB.toFixed(0)} to ${soaked.usage.late.rssMiB.toFixed(0)} MiB, descriptors ${soaked.usage.early.descriptors} to ${soaked.usage.late.descriptors} |

${wrong.length > 0 ? `**Not as it must be:** ${wrong.join('; ')}.` : 'Everything was as it must be.'}

## The machine

${machineSection(onMachine)}
## The path to the authorization server

${pathSection(onPath)}
## The fast cases

${fastCasesSection(files)}`
}
