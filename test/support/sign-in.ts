/** Signs in as a person does: the command prints the link, the browser follows it. */
import { type CliResult, type Home, runCli } from './daemon-process.ts'
import { createPerson } from './person.ts'

/** What `evo-token login` ended with; `cancel` leaves where the server asks who it is. */
export async function signInByBrowser(
  home: Home,
  app: string,
  {
    person: name = 'ada',
    ...choices
  }: { readonly cancel?: boolean; readonly person?: string } = {},
): Promise<CliResult> {
  const person = createPerson(name)
  return runCli(home, ['login', app, '--no-browser'], {
    onOutput: async (said) => {
      const link = /https?:\/\/\S+/.exec(said)?.[0]
      if (link) await person.visit(link, choices)
    },
  })
}
