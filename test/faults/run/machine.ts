/**
 * `npm run faults`, the machine: kills, stops, clocks, disks, locks and the soak, each many times. The
 * figures are data; `machineSection` puts them into words for `docs/reliability.md`.
 */
import { killAtStep } from '../kill-at-step.ts'
import { lockOut, MISFITS } from '../misfits.ts'
import { noOwnClock } from '../own-clock.ts'
import { ANSWER_LEFT, DURABLE, MOMENTS } from '../steps.ts'
import { chanceOf } from './chance.ts'
import { type DamageFigures, damageOften, damageSection } from './damage.ts'
import { killAtRandom, type KillFigures, killsSection } from './kills.ts'
import { type LockFigures, locksSection, startTogether } from './locks.ts'
import { soak, type SoakFigures, soakSection } from './soak.ts'
import { stopInTheMiddle, type TermFigures, termsSection } from './terms.ts'
import {
  holdUpRequests,
  type HoldUpFigures,
  holdUpsSection,
  wakeOften,
  type WakeFigures,
  wakesSection,
} from './wakes.ts'

export interface MachineOptions {
  readonly seed: number
  readonly soakMinutes: number
  /** One tenth of everything but the soak: to see that it works. */
  readonly short?: boolean
  readonly onProgress?: (part: string) => void
}

interface StepOutcome {
  readonly step: string
  readonly session: string
  readonly error: string | undefined
  readonly requests: number
}

interface LockOutFigures {
  readonly what: string
  readonly answer: string
  readonly movedFiles: number
  readonly requests: number
}

export interface MachineFigures {
  readonly steps: readonly StepOutcome[]
  readonly kills: KillFigures
  readonly terms: TermFigures
  readonly damage: DamageFigures
  readonly lockedOut: readonly LockOutFigures[]
  readonly locks: LockFigures
  /** Absent without libfaketime. */
  readonly wakes: WakeFigures | undefined
  readonly holdUps: HoldUpFigures
  readonly soak: SoakFigures
  /** What was not as it must be: nothing, or the run has failed. */
  readonly wrong: readonly string[]
}

export async function measureMachine(options: MachineOptions): Promise<MachineFigures> {
  const { seed, soakMinutes, short = false, onProgress = () => undefined } = options
  const chance = chanceOf(String(seed))
  const share = (count: number) => (short ? Math.ceil(count / 10) : count)
  const part = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    onProgress(name)
    return run()
  }
  const steps = await part('each step', killAtEachStep)
  const kills = await part('kills', () =>
    killAtRandom({ anywhere: share(300), aimed: share(200), sideBySide: 2 }, chance.fork('kills')),
  )
  const terms = await part('stops', () =>
    stopInTheMiddle({ quick: share(95), slow: share(5), sideBySide: 2 }, chance.fork('terms')),
  )
  const wakes =
    noOwnClock() === undefined
      ? await part('wakes', () => {
          return wakeOften({ stops: share(20), jumps: share(40) }, chance.fork('wakes'))
        })
      : undefined
  const holdUps = await part('hold-ups', () => holdUpRequests(share(10), chance.fork('hold-ups')))
  const damage = await part('damage', () => damageOften(share(40), chance.fork('damage')))
  const lockedOut = await part('misfits', lockOutEach)
  const locks = await part('locks', () => startTogether(share(50)))
  const soaked = await part('soak', () => soak(soakMinutes, chance.fork('soak')))
  const figures = { steps, kills, terms, wakes, holdUps, damage, lockedOut, locks, soak: soaked }
  return { ...figures, wrong: wrongIn(figures) }
}

async function killAtEachStep(): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = []
  for (const { step } of MOMENTS) {
    const { session, error, exchanges } = await killAtStep(step)
    outcomes.push({ step, session, error: error?.error, requests: exchanges.length })
  }
  return outcomes
}

async function lockOutEach(): Promise<LockOutFigures[]> {
  const outcomes: LockOutFigures[] = []
  for (const misfit of MISFITS) {
    const { token, moved, requests } = await lockOut(misfit)
    const answer = `${token.status} \`${String(token.body.error)}\``
    outcomes.push({ what: misfit.what, answer, movedFiles: moved.length, requests })
  }
  return outcomes
}

function wrongIn(figures: Omit<MachineFigures, 'wrong'>): string[] {
  const { steps, kills, terms, wakes, holdUps, damage, lockedOut, locks, soak: soaked } = figures
  const reported = Object.keys(kills.reported).filter((error) => error !== 'answer_lost')
  const counts: Readonly<Record<string, number>> = {
    'steps with another outcome': steps.filter(isUnexpected).length,
    'sessions lost outside the window': kills.anywhere.lostOutside + kills.aimed.lostOutside,
    'lost sessions reported as something else': reported.length,
    'starts that failed after a kill': kills.failedStarts,
    'sessions lost by a stop': terms.lost,
    'stops with another exit code': terms.otherExits,
    'stops that took too long': terms.lateExits,
    'stops that left files': terms.leftFiles,
    'expired tokens served around stops and clock steps': wakes?.expired ?? 0,
    'needless sign-ins': wakes?.signOuts ?? 0,
    'more requests than the bound': Math.max(0, (wakes?.requests ?? 0) - (wakes?.bound ?? 0)),
    'sessions lost by a stop in the middle of a request': holdUps.lost,
    'expired tokens served after one': holdUps.expired,
    'damaged records not noticed': damage.unnoticed,
    'sessions lost by the damage of another': damage.others,
    'damaged records not kept': damage.gone,
    'files moved in a vault that does not fit': lockedOut.filter((one) => one.movedFiles > 0)
      .length,
    'rounds with not exactly one daemon': locks.notOne,
    'refusals without the pid': locks.nameless,
    'unexpected sign-outs in the soak': soaked.unexpectedSignOuts.length,
    'expired tokens served in the soak': soaked.callers.expired,
  }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${what}: ${count}`] : []))
}

function isUnexpected({ step, session, error }: StepOutcome): boolean {
  const expected = MOMENTS.find((moment) => moment.step === step)?.session
  return expected === 'lost'
    ? session !== 'signed-out' || error !== 'answer_lost'
    : session !== 'active'
}

export function machineSection(figures: MachineFigures): string {
  return `### Kill -9 (1)

Between the moment when the server spends a refresh token and the moment when the new one is on our
disk, there is one copy of it, in memory. No client can close that window; what a client can do is
to make it short, to know afterwards that it was in it, and to say so. A kill there costs the session of
that app, unless the server forgives the reuse of the old token for a while. **That is the one
promise that cannot be kept**, and here is how wide it is.

${killsSection(figures.kills)}
What the next start finds after a kill at each step of the protocol (a power cut does the same to
what is synced, and may take back what is not), and what it did in this run:

| killed when | the next start finds, and does | requests | session |
|---|---|---|---|
${figures.steps.map(stepRow).join('\n')}

Everything from \`${DURABLE}\` on is kept through a power cut too; the order of the writes and syncs is
held by a test that traces the system calls of the daemon.

### SIGTERM (2)

${termsSection(figures.terms)}
### Sleep and clock (6)

${figures.wakes ? wakesSection(figures.wakes) : 'Not measured: libfaketime is not installed.\n'}
${holdUpsSection(figures.holdUps)}
What cannot be noticed: a wall clock that is set while no daemon runs. A token's age is then what that
clock says; a token that claims to come from the future counts as stale, and is refreshed first.

### Damaged records (7)

${damageSection(figures.damage)}
### A vault that does not fit (9)

| the vault has | a caller gets | files moved | requests to the server |
|---|---|---|---|
${figures.lockedOut
  .map(({ what, answer, movedFiles, requests }) => {
    return `| ${what} | ${answer} | ${movedFiles} | ${requests} |`
  })
  .join('\n')}

Once it fits again, every session is there.

### One daemon (10)

${locksSection(figures.locks)}
### The soak (11)

${soakSection(figures.soak)}`
}

function stepRow({ step, session, error, requests }: StepOutcome): string {
  const moment = MOMENTS.find((one) => one.step === step)
  const name = step === ANSWER_LEFT ? '' : `\`${step}\`: `
  const seen = error === undefined ? session : `${session}, \`${error}\``
  return `| ${name}${moment?.when ?? ''} | ${moment?.next ?? ''} | ${requests} | ${seen} |`
}
