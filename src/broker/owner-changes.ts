/** How a change that the owner asks for runs: at the app's home, once nothing that spends is out. */
import type { AppState } from './app-state.ts'
import { changeWhenIdle } from './idle.ts'

/**
 * A session may be changed at its home only.
 *
 * @throws {SidecarError} `not_home`, `unavailable` where it cannot be told whether it is here.
 */
export async function requireHome({ home }: AppState): Promise<void> {
  const refusal = await home.refuseChange()
  if (refusal) throw refusal
}

/**
 * Runs `work` at the app's home, once no request of the app that spends something is out.
 *
 * @param onBegin is called before it waits for such requests.
 * @throws {SidecarError} as `requireHome` and `changeWhenIdle`.
 */
export async function changeAtHome<T>(
  state: AppState,
  work: () => Promise<T>,
  onBegin: () => void = () => undefined,
): Promise<T> {
  await requireHome(state)
  onBegin()
  return changeWhenIdle(state, async () => {
    // It may have been given away while this waited.
    await requireHome(state)
    return work()
  })
}
