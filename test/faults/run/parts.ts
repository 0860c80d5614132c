/** All that `npm run faults` measures, in the order of the document. */
import { noOwnClock } from '../own-clock.ts'
import { measureBurst } from './burst.ts'
import { damageOften, damageSection } from './damage.ts'
import { type FastCases, fastCasesSection, runFastCases } from './fast-cases.ts'
import { measureHosts } from './hosts.ts'
import { killAtRandom, killsSection } from './kills.ts'
import { locksSection, startTogether } from './locks.ts'
import { measureMisfits } from './misfits-part.ts'
import { type Measured, type Part, type Run, wrongOf } from './part.ts'
import { measurePath, pathSection, REFRESHES } from './path.ts'
import { soak, soakSection } from './soak.ts'
import { measureSteps } from './steps-part.ts'
import { stopInTheMiddle, termsSection } from './terms.ts'
import { holdUpRequests, holdUpsSection, wakeOften, wakesSection } from './wakes.ts'
import { measureWindow } from './window.ts'
import { measureWindows } from './windows-part.ts'

export const PARTS: readonly Part[] = [
  { name: 'kills', heading: 'Kill -9', measure: measureKills },
  { name: 'window', heading: 'From the answer to the disk', measure: measureWindow },
  { name: 'burst', heading: 'Many apps at once', measure: measureBurst },
  { name: 'steps', heading: 'A kill at each step', measure: measureSteps },
  { name: 'stops', heading: 'SIGTERM', measure: measureStops },
  { name: 'clocks', heading: 'Sleep and clock', measure: measureClocks },
  { name: 'damage', heading: 'Damaged records', measure: measureDamage },
  { name: 'misfits', heading: 'A vault that does not fit', measure: measureMisfits },
  { name: 'locks', heading: 'One daemon', measure: measureLocks },
  { name: 'windows', heading: 'Windows', measure: measureWindows },
  { name: 'hosts', heading: 'Many hosts', measure: measureHosts },
  { name: 'soak', heading: 'The soak', measure: measureSoak },
  { name: 'path', heading: 'The path to the authorization server', measure: measureOnPath },
  { name: 'cases', heading: 'The fast cases', measure: measureCases },
]

async function measureKills({ chance, share }: Run): Promise<Measured> {
  const plan = { anywhere: share(300), aimed: share(200), sideBySide: 2 }
  const figures = await killAtRandom(plan, chance)
  const { anywhere, aimed, reported, failedStarts } = figures
  const outside = anywhere.lostOutside + aimed.lostOutside
  const inside = anywhere.lostInWindow + aimed.lostInWindow
  return {
    outcomes: {
      1: `${anywhere.kills + aimed.kills} kills: ${outside} sessions lost outside of that window, ${inside} inside`,
    },
    section: killsSection(figures),
    wrong: wrongOf({
      'sessions lost outside the window': outside,
      'lost sessions reported as something else': Object.keys(reported).filter(
        (error) => error !== 'answer_lost',
      ).length,
      'starts that failed after a kill': failedStarts,
    }),
  }
}

async function measureStops({ chance, share }: Run): Promise<Measured> {
  const figures = await stopInTheMiddle({ quick: share(95), slow: share(5), sideBySide: 2 }, chance)
  const { terms, lost, exits, leftFiles, otherExits, lateExits } = figures
  return {
    outcomes: {
      2: `${terms} stops: ${lost} lost, slowest exit ${(exits.max / 1000).toFixed(1)} s, ${leftFiles} left files`,
    },
    section: termsSection(figures),
    wrong: wrongOf({
      'sessions lost by a stop': lost,
      'stops with another exit code': otherExits,
      'stops that took too long': lateExits,
      'stops that left files': leftFiles,
    }),
  }
}

async function measureClocks({ chance, share }: Run): Promise<Measured> {
  const without = noOwnClock()
  const wakes =
    without === undefined
      ? await wakeOften({ stops: share(20), jumps: share(40) }, chance.fork('wakes'))
      : undefined
  const holdUps = await holdUpRequests(share(10), chance.fork('hold-ups'))
  return {
    outcomes: {
      6: wakes
        ? `${wakes.stops} stops and ${wakes.jumps} clock steps: ${wakes.expired} expired tokens among ${wakes.served}, ${wakes.signOuts} sign-ins, ${wakes.requests} requests where ${wakes.bound} are allowed`
        : `not measured (${without ?? ''})`,
    },
    section: `${wakes ? wakesSection(wakes) : `Not measured: ${without ?? ''}.\n`}
${holdUpsSection(holdUps)}
What cannot be noticed: a wall clock that is set while no daemon runs and the machine starts again (on Linux;
elsewhere, while no daemon runs). A token's age is then what that clock says; a token that claims to come from the future counts as stale, and is refreshed first.
`,
    wrong: wrongOf({
      'expired tokens served around stops and clock steps': wakes?.expired ?? 0,
      'needless sign-ins': wakes?.signOuts ?? 0,
      'more requests than the bound': Math.max(0, (wakes?.requests ?? 0) - (wakes?.bound ?? 0)),
      'sessions lost by a stop in the middle of a request': holdUps.lost,
      'expired tokens served after one': holdUps.expired,
    }),
  }
}

async function measureDamage({ chance, share }: Run): Promise<Measured> {
  const figures = await damageOften(share(40), chance)
  const { damaged, unnoticed, others, gone } = figures
  return {
    outcomes: {
      7: `${damaged} records: ${unnoticed} not noticed, ${others} other apps hurt, ${gone} not kept`,
    },
    section: damageSection(figures),
    wrong: wrongOf({
      'damaged records not noticed': unnoticed,
      'sessions lost by the damage of another': others,
      'damaged records not kept': gone,
    }),
  }
}

async function measureLocks({ share }: Run): Promise<Measured> {
  const figures = await startTogether(share(50))
  const { rounds, together, notOne, nameless } = figures
  return {
    outcomes: { 10: `${rounds} rounds of ${together} at once: ${notOne} times not exactly one` },
    section: locksSection(figures),
    wrong: wrongOf({
      'rounds with not exactly one daemon': notOne,
      'refusals without the pid': nameless,
    }),
  }
}

async function measureSoak({ chance, soakMinutes }: Run): Promise<Measured> {
  const figures = await soak(soakMinutes, chance)
  const { minutes, refreshes, unexpectedSignOuts, usage, callers } = figures
  const [early, late] = [usage.early, usage.late]
  return {
    outcomes: {
      11: `${minutes} minutes, ${refreshes} refreshes: ${unexpectedSignOuts.length} unexpected sign-outs; memory ${early.rssMiB.toFixed(0)} to ${late.rssMiB.toFixed(0)} MiB, descriptors ${early.descriptors} to ${late.descriptors}`,
    },
    section: soakSection(figures),
    wrong: wrongOf({
      'unexpected sign-outs in the soak': unexpectedSignOuts.length,
      'expired tokens served in the soak': callers.expired,
    }),
  }
}

async function measureOnPath({ seed, share }: Run): Promise<Measured> {
  const figures = await measurePath(seed, share(REFRESHES))
  const { refreshes, faultsMet, lostWithoutCause, requests, bound, wrong } = figures
  return {
    outcomes: {
      3: `${refreshes} refreshes, ${faultsMet} faults: ${lostWithoutCause} lost without cause, ${requests} requests where ${bound} are allowed`,
    },
    section: pathSection(figures),
    wrong,
  }
}

async function measureCases(): Promise<Measured> {
  const files = await runFastCases()
  return {
    outcomes: {
      3: casesOf(files, 'path', 'slow-answers', 'large-answers', 'mended-elsewhere'),
      4: casesOf(files, 'unwritable', 'machine-disk'),
      5: casesOf(files, 'crowd'),
      6: casesOf(files, 'wake', 'machine-clock'),
      7: casesOf(files, 'newer-record'),
      8: casesOf(files, 'meeting', 'changed'),
    },
    section: fastCasesSection(files),
    wrong: files.flatMap(({ file, failed }) => failed.map((name) => `${file}: ${name}`)),
  }
}

function casesOf(files: readonly FastCases[], ...names: readonly string[]): string {
  const own = files.filter(({ file }) => names.some((name) => file.startsWith(name)))
  const passed = own.reduce((sum, one) => sum + one.passed, 0)
  const failed = own.reduce((sum, one) => sum + one.failed.length, 0)
  return `${passed} cases, ${failed} failed`
}
