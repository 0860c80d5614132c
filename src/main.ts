#!/usr/bin/env node
/**
 * The program: runs the command line and sets the exit code. It ships as CommonJS, which starts faster, so there is
 * no top-level await. `get APP` is all here, since prompts and loops call it; the rest is imported.
 */
import { getQuickly } from './cli/tokens/get-quickly.ts'
import { EXIT_FAILED, unloadableInWords } from './cli/unloadable.ts'

/** Node's exit code for a program that ends while something is still awaited. */
const EXIT_UNFINISHED = 13

process.on('uncaughtException', (error) => {
  void import('./cli/failures.ts').then(
    ({ reportFailure }) => process.exit(reportFailure(error, process)),
    // A rejection here would come back to this listener, in an endless loop.
    (reason: unknown) => {
      process.stderr.write(unloadableInWords(reason))
      process.exit(EXIT_FAILED)
    },
  )
})
process.exitCode = EXIT_UNFINISHED
const argv = process.argv.slice(2)
void (getQuickly(argv) ?? runAny(argv)).then((code) => {
  process.exitCode = code
})

async function runAny(argv: readonly string[]): Promise<number> {
  const { runCli } = await import('./cli/run.ts')
  return runCli(argv, process)
}
