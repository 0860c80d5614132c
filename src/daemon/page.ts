/** The page: its door is open only while a page, or a link to one, is. */
import type { PageFiles } from '../adapters/loopback/page-files.ts'
import { listenForPage, type PageListener } from '../adapters/loopback/page-listener.ts'
import { OWNER_NAME } from '../core/names.ts'
import { createApp, routesOfPage } from '../http/app.ts'
import type { Deps, PageService, WebService } from '../http/deps.ts'
import { createPageDoor, PAGE_KEY_HEADER } from '../http/page-door.ts'
import { LINK_MS, PageKeys } from '../http/page-keys.ts'
import { answerToMalformed } from '../http/problems.ts'
import { SidecarError } from '../errors.ts'
import { platform } from '../platform/current.ts'
import { Queue } from '../queue.ts'
import { createDoctor, type DoctorOptions } from './doctor.ts'

export interface PageOptions extends DoctorOptions {
  readonly uid: number
  readonly files: PageFiles
  /** Called when a page is opened: the page itself is one of the deps. */
  readonly deps: () => Deps
  /** What the page tells of the daemon. */
  readonly about: () => object
}

export interface DaemonPage extends WebService {
  /** Closes the door once no page has used it for a while. */
  beat(): Promise<void>
  stop(): Promise<void>
}

export function createPage({ uid, files, deps, about, ...doctorOptions }: PageOptions): DaemonPage {
  const changes = new Queue()
  const peerOf = platform.createPeerLookup()
  let isStopped = false
  let door: { readonly listener: PageListener; readonly keys: PageKeys } | undefined

  async function openDoor() {
    const { activity, clock, log } = deps()
    const keys = new PageKeys(() => clock.read().mono)
    const service: PageService = {
      about,
      end: ({ headers }) => {
        keys.end(keyIn(headers))
      },
      startDoctor: createDoctor(doctorOptions),
    }
    const listener = await listenForPage({
      files,
      endpointAt(origin) {
        const routes = routesOfPage(deps(), service)
        const endpoint = createApp(deps(), createPageDoor(origin, keys), routes)
        const { app } = endpoint
        const tracked: typeof endpoint = Object.assign(
          (...[request, response]: Parameters<typeof endpoint>) => {
            const caller = endpoint(request, response)
            if (caller !== undefined) keys.track(keyIn(request.headers), response)
            return caller
          },
          {
            app,
            turnAway: (response: Parameters<typeof endpoint.turnAway>[0]) => {
              endpoint.turnAway(response)
            },
          },
        )
        return tracked
      },
      redeem(link) {
        const redeemed = keys.redeem(link)
        if (redeemed.kind === 'key') activity.record({ kind: 'page_opened', caller: OWNER_NAME })
        if (redeemed.kind === 'used') {
          activity.record({ kind: 'page_refused' })
          log.warn({}, 'the link of the page was opened a second time: that page has ended')
        }
        return redeemed
      },
      uid,
      peerOf,
      answerToMalformed,
      log,
    })
    log.info({ url: listener.origin }, 'the page can be reached')
    return { listener, keys }
  }

  async function closeDoor(): Promise<void> {
    const { listener } = door ?? {}
    door = undefined
    await listener?.stop()
    if (listener) deps().log.info({}, 'the page can no longer be reached')
  }

  return {
    open: () =>
      changes.run(async () => {
        if (isStopped) throw new SidecarError('stopping', 'The daemon is stopping.')
        door ??= await openDoor()
        const link = door.keys.createLink()
        const expiresAt = deps().clock.read().wall + LINK_MS
        return { openUrl: door.listener.linkTo(link), expiresAt }
      }),
    beat: () =>
      changes.run(async () => {
        if (door && !door.keys.beat()) await closeDoor()
      }),
    stop() {
      isStopped = true
      return changes.run(closeDoor)
    },
  }
}

function keyIn(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  return String(headers[PAGE_KEY_HEADER])
}
