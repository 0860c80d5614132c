/** The fast cases of the fault kit, as `npm test` has them: run once more, and counted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { MAIN } from '../../support/daemon-process.ts'

export interface FastCases {
  readonly file: string
  readonly passed: number
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  readonly seconds: number
}

/** What vitest's JSON reporter tells, as far as we look at it. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly startTime: number
    readonly endTime: number
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

export async function runFastCases(): Promise<readonly FastCases[]> {
  const checkout = join(dirname(MAIN), '..')
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-cases-'))
  const outputFile = join(directory, 'report.json')
  try {
    const vitest = spawn(
      process.execPath,
      [
        join(checkout, 'node_modules/vitest/vitest.mjs'),
        ...['run', 'test/faults', '--reporter=json', `--outputFile=${outputFile}`],
      ],
      { cwd: checkout, stdio: ['ignore', 'ignore', 'inherit'] },
    )
    await once(vitest, 'exit')
    const { testResults } = JSON.parse(await readFile(outputFile, 'utf8')) as Report
    return testResults
      .map(({ name, startTime, endTime, assertionResults }) => {
        const namesOf = (...statuses: string[]) =>
          assertionResults
            .filter(({ status }) => statuses.includes(status))
            .map(({ fullName }) => fullName)
        return {
          file: basename(name),
          passed: namesOf('passed').length,
          failed: namesOf('failed'),
          skipped: namesOf('skipped', 'pending', 'todo'),
          seconds: (endTime - startTime) / 1000,
        }
      })
      .sort((one, other) => one.file.localeCompare(other.file))
  } finally {
    await rm(directory, { recursive: true })
  }
}

export function fastCasesSection(files: readonly FastCases[]): string {
  const rows = files.map(({ file, passed, failed, skipped, seconds }) => {
    return `| \`test/faults/${file}\` | ${passed} | ${failed.length} | ${skipped.length} | ${seconds.toFixed(0)} s |`
  })
  const names = (what: string, list: readonly string[]) =>
    list.length > 0 ? `\n${what}: ${list.join('; ')}.\n` : ''
  return `| file | passed | failed | skipped | took |
|---|---|---|---|---|
${rows.join('\n')}
${names(
  'Failed',
  files.flatMap(({ failed }) => failed),
)}${names(
    'Skipped',
    files.flatMap(({ skipped }) => skipped),
  )}`
}
