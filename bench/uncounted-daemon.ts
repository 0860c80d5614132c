/** The daemon that ships, but for one thing: it does not count the tokens that it hands out. */
import { dirname, join } from 'node:path'
import { MAIN } from '../test/support/daemon-process.ts'

type Serve = typeof import('../src/cli/serve.ts')

const { run } = (await import(join(dirname(MAIN), 'daemon.mjs'))) as Serve
const none = () => undefined
process.exitCode = await run({ io: process, flag: () => false, text: none }, (world) => ({
  ...world,
  changeActivity: (own) => ({ ...own, countToken: none }),
}))
