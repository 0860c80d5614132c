/**
 * The path to the authorization server: every fault of it at random, for thousands of refreshes.
 */
import { PATH_FAULTS } from '../path-faults.ts'
import { runCampaign } from './path-campaign.ts'

export interface PathFigures {
  readonly seed: number
  readonly apps: number
  readonly faults: number
  /** How many of them were met, and how often in all. */
  readonly kindsMet: number
  readonly faultsMet: number
  /** By the daemon's clock. */
  readonly hours: number
  readonly seconds: number
  readonly refreshes: number
  readonly requests: number
  readonly bound: number
  readonly mostRequests: number
  readonly mostRequestsS: number
  readonly waits: number
  readonly early: number
  readonly looks: number
  readonly lostAnswers: number
  readonly saidToBeOver: number
  readonly lostWithoutCause: number
  readonly alive: number
  readonly recoveries: number
  readonly recoveryMedianS: number
  readonly recoveryMaxS: number
  readonly late: number
  /** What was not as it must be, in words. */
  readonly wrong: readonly string[]
}

/** As many as may ask one issuer at a time where its answers are slow. */
const APPS = 8

export const REFRESHES = 2_000

/** @param seed fixes which faults each app meets, in which order, and for how long. */
export async function measurePath(seed: number, refreshes: number): Promise<PathFigures> {
  const begun = performance.now()
  const { tally, alive, simulatedMs } = await runCampaign({
    seed,
    refreshes,
    apps: APPS,
  })
  const { met, most, recoveries, wrong, ...counted } = tally
  const sorted = recoveries.toSorted((one, other) => one - other)
  const figures = {
    seed,
    apps: APPS,
    faults: PATH_FAULTS.length,
    kindsMet: met.size,
    faultsMet: [...met.values()].reduce((sum, times) => sum + times, 0),
    hours: Math.round(simulatedMs / 3_600_000),
    seconds: Math.round((performance.now() - begun) / 1000),
    ...counted,
    mostRequests: most.requests,
    mostRequestsS: most.lastedMs / 1000,
    alive,
    recoveries: sorted.length,
    recoveryMedianS: (sorted[Math.floor(sorted.length / 2)] ?? 0) / 1000,
    recoveryMaxS: (sorted.at(-1) ?? 0) / 1000,
  }
  return { ...figures, wrong: [...complaintsOf(figures, refreshes), ...wrong] }
}

function complaintsOf(figures: Omit<PathFigures, 'wrong'>, refreshes: number): string[] {
  const { early, late, lostWithoutCause, alive, apps, faults, kindsMet } = figures
  const complaints: readonly (readonly [boolean, string])[] = [
    [early > 0, `${early} requests did not wait for the end of the back-off`],
    [late > 0, `${late} recoveries came later than one step and two heartbeats`],
    [lostWithoutCause > 0, `${lostWithoutCause} sessions were lost although no answer was`],
    [alive < apps, `${apps - alive} apps could not be refreshed afterwards`],
    [refreshes >= REFRESHES && kindsMet < faults, `${faults - kindsMet} kinds were never met`],
  ]
  return complaints.flatMap(([applies, complaint]) => (applies ? [complaint] : []))
}

/** For `docs/reliability.md`, below a heading. */
export function pathSection(figures: PathFigures): string {
  const { seed, apps, faults, kindsMet, faultsMet, hours, seconds } = figures
  const rows: readonly (readonly [what: string, must: string | number, was: string | number])[] = [
    ['kinds of fault met', faults, kindsMet],
    ['faults met', 'any', faultsMet],
    ['refreshes that came to an end', `${REFRESHES} or more`, figures.refreshes],
    ['requests to the token endpoint', `${figures.bound} or fewer`, figures.requests],
    ['waits of the back-off', 'any', figures.waits],
    ['requests before the end of their wait', 0, figures.early],
    ['looks at the token, the status and `/readyz`', 'any', figures.looks],
    ['of these, not as it had to be', 0, figures.wrong.length],
    ['sessions lost: the server rotated, and its answer was lost', 'any', figures.lostAnswers],
    ['sessions ended by an `invalid_grant`', 'any', figures.saidToBeOver],
    ['sessions lost for another reason', 0, figures.lostWithoutCause],
    ['apps that could be refreshed afterwards', apps, figures.alive],
    ['recoveries', 'any', figures.recoveries],
    ['recoveries later than one step and two heartbeats', 0, figures.late],
  ]
  return `${apps} apps at a strict server (each refresh rotates, an old refresh token ends the session) for ${hours} hours of the
daemon's clock, in ${seconds} seconds, with a path to it that was at fault for most refreshes: for one request, for half a
minute, or for longer than a token lives. Callers asked and forced in between. Seed ${seed}.

| what | must be | was |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

The bound: a refresh is at most 2 requests and one more for every \`retryMin\` (5 s) between its first and its last, since
each wait is at least that long, and one for every wait that ended because the server answered another app; waits double on average, up to \`retryMax\` (5 min), so that the most for one refresh were
${figures.mostRequests} requests in ${figures.mostRequestsS} s. From the end of a fault to the request that succeeds it took
${figures.recoveryMedianS} s (median) and ${figures.recoveryMaxS} s at most: what was left of a step, up to a heartbeat, and
up to another one where the request of another app hung and had the issuer's turn.

At each look a token that was good was served and one past its end was not, and \`status\`, \`/readyz\` and the problem that
callers got said what had to be true after what the app had met. An \`invalid_grant\` is the server's last word, by
whomever it was said: here the path itself had made it up.
`
}
