#!/usr/bin/env node
/**
 * The program: hands what was typed to the command line, and its exit code to the shell. It ships as
 * CommonJS, which starts sooner, so nothing is awaited at the top.
 */
import { runCli } from './cli/run.ts'

/** Node's own for a program that ends before it is done. */
const EXIT_UNFINISHED = 13

process.on('uncaughtException', (error) => {
  void import('./cli/failures.ts').then(({ reportFailure }) =>
    process.exit(reportFailure(error, process)),
  )
})
process.exitCode = EXIT_UNFINISHED
void runCli(process.argv.slice(2), process).then((code) => {
  process.exitCode = code
})
