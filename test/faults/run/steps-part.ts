/** A kill -9 at each step of the rotation protocol, and what the next start makes of it. */
import { killAtStep } from '../kill-at-step.ts'
import { ANSWER_LEFT, DURABLE, MOMENTS } from '../steps.ts'
import { type Measured, wrongOf } from './part.ts'

interface StepOutcome {
  readonly step: string
  readonly session: string
  readonly error: string | undefined
  readonly requests: number
}

export async function measureSteps(): Promise<Measured> {
  const outcomes: StepOutcome[] = []
  for (const { step } of MOMENTS) {
    const { session, error, exchanges } = await killAtStep(step)
    outcomes.push({ step, session, error: error?.error, requests: exchanges.length })
  }
  return {
    outcomes: {},
    section: `What the next start finds after a kill at each step of the protocol (a power cut does the same to
what is synced, and may take back what is not), and what it did in this run:

| killed when | the next start finds, and does | requests | session |
|---|---|---|---|
${outcomes.map(rowOf).join('\n')}

Everything from \`${DURABLE}\` on is kept through a power cut too; the order of the writes and syncs is
held by a test that traces the system calls of the daemon.
`,
    wrong: wrongOf({ 'steps with another outcome': outcomes.filter(isUnexpected).length }),
  }
}

function isUnexpected({ step, session, error }: StepOutcome): boolean {
  const expected = MOMENTS.find((moment) => moment.step === step)?.session
  return expected === 'lost'
    ? session !== 'signed-out' || error !== 'answer_lost'
    : session !== 'active'
}

function rowOf({ step, session, error, requests }: StepOutcome): string {
  const moment = MOMENTS.find((one) => one.step === step)
  const name = step === ANSWER_LEFT ? '' : `\`${step}\`: `
  const seen = error === undefined ? session : `${session}, \`${error}\``
  return `| ${name}${moment?.when ?? ''} | ${moment?.next ?? ''} | ${requests} | ${seen} |`
}
