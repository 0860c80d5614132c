#!/usr/bin/env node
/** The program: hands what was typed to the command line, and its exit code to the shell. */
import { runCli } from './cli/run.ts'

process.on('uncaughtException', (error) => {
  void import('./cli/failures.ts').then(({ reportFailure }) =>
    process.exit(reportFailure(error, process)),
  )
})
process.exitCode = await runCli(process.argv.slice(2), process)
