/** Where the files of a person's service are, and where it may write, in a really booted systemd. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noUserManager } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import {
  configOf,
  HOME,
  type ManagedMachine,
  PERSON,
  startManagedMachine,
} from './managed-machine.ts'

const noBoot = noUserManager()
const CONFIG = `${HOME}/.config/evo-token/config.json`
const STATE = `${HOME}/.local/state/evo-token`
const PROGRAM = '/usr/local/lib/node_modules/evo-token-sidecar'

describe('the service of one person', () => {
  let machine: ManagedMachine
  let config: object

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    await machine.startUserManager()
    config = JSON.parse(
      configOf(
        { issuer: machine.server.issuer, port: await freePort(), apps: ['pipeline'], key: 'file' },
        CLIENTS.service.clientId,
      ),
    ) as object
    await machine.asPerson(`mkdir -p ${HOME}/.config/evo-token ${HOME}/work '${HOME}/later on'`)
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  const evoToken = (args: string) => machine.asPerson(`evo-token ${args} 2>&1`)
  const writeConfig = (more: object) =>
    machine.asPerson(`tee ${CONFIG}`, JSON.stringify({ ...config, ...more }))
  const file = (path: string) => ({ app: 'pipeline', path, format: 'raw' })

  itNeeds(noBoot)('writes its state and the directories of token files alone', async () => {
    await writeConfig({ files: [file('~/work/token')] })
    expect(await evoToken('service install')).toContain('The service runs and answers.')
    await machine.asPerson('evo-token secret pipeline', CLIENTS.service.clientSecret)
    const holds = (path: string) =>
      until(
        `${path} holds a token`,
        () => machine.sh(`cat '${path}' 2>/dev/null || true`),
        (text) => text.startsWith('eyJ'),
      )
    await holds(`${HOME}/work/token`)

    const pid = await machine.user.property('evo-token', 'MainPID')
    const written = async (directory: string) =>
      machine
        .sh(`nsenter -t ${pid} -m -- runuser -u ${PERSON} -- touch "${directory}/probe" 2>&1`)
        .then(
          () => 'done',
          (error: unknown) =>
            /Read-only file system/.test(String(error)) ? 'EROFS' : String(error),
        )
    for (const directory of [STATE, `${HOME}/work`, `/run/user/$(id -u ${PERSON})/evo-token`]) {
      expect([directory, await written(directory)]).toEqual([directory, 'done'])
    }
    const others = [HOME, `${HOME}/.config`, `${HOME}/later on`, `/run/user/$(id -u ${PERSON})`]
    for (const directory of others) {
      expect([directory, await written(directory)]).toEqual([directory, 'EROFS'])
    }

    // No boundary against a program that was made for it (docs/security.md): the manager starts others outside.
    await machine.sh(
      `nsenter -t ${pid} -m -- runuser -u ${PERSON} -- env HOME=${HOME} XDG_RUNTIME_DIR=/run/user/$(id -u ${PERSON}) systemd-run --user --wait --quiet touch ${HOME}/outside
      test -e ${HOME}/outside`,
    )

    await writeConfig({ files: [file('~/work/token'), file('~/later on/token')] })
    expect(await evoToken('reload')).toMatch(/later on\/token .*`evo-token service install` again/)
    expect(await evoToken('service install')).toContain('The service runs and answers.')
    await holds(`${HOME}/later on/token`)

    // The state directory is gone: it is made anew, and may be written.
    await machine.user.ctl('stop evo-token.service')
    await machine.sh(`rm -r ${STATE}`)
    await machine.user.ctl('start evo-token.service')
    expect(await evoToken('status')).toContain('pipeline')
  })

  itNeeds(noBoot)('has its log shown, and followed, wherever the journal keeps it', async () => {
    await writeConfig({})
    await evoToken('service install')
    // It answers before what it logs is in the journal.
    const line = /^\{.*"msg":"listening".*\}$/m
    await until(
      'it is logged',
      () => evoToken('logs'),
      (log) => line.test(log),
    )
    const following = evoToken("logs --follow | grep -m1 'reloaded'")
    await until('the journal is followed', () =>
      machine
        .sh(`pgrep -u ${PERSON} -f 'journalctl.*-f' >/dev/null && echo yes || true`)
        .then(Boolean),
    )
    await evoToken('reload')
    await machine.user.ctl('reload evo-token')
    expect(await following).toContain('"msg":"reloaded"')
  })

  itNeeds(noBoot)('is not installed where it would not see its files', async () => {
    await machine.sh(`cp -r ${PROGRAM} /tmp/copy && chmod -R go=rX /tmp/copy`)
    await writeConfig({})
    await expect(machine.asPerson('node /tmp/copy/dist/main.js service install')).rejects.toThrow(
      /The service cannot use \/tmp\/copy\/dist\/main\.js: it has a \/tmp and a \/dev of its own\./,
    )
    await machine.asPerson(`cp ${CONFIG} /tmp/config.json`)
    await expect(evoToken('service install --config /tmp/config.json')).rejects.toThrow(
      /cannot use \/tmp\/config\.json/,
    )
    await machine.asPerson(`ln -s /tmp/config.json ${HOME}/linked.json`)
    await expect(evoToken(`service install --config ${HOME}/linked.json`)).rejects.toThrow(
      /linked\.json, which leads to \/tmp\/config\.json/,
    )
    await writeConfig({ files: [file('/tmp/token')] })
    await expect(evoToken('service install')).rejects.toThrow(/cannot use \/tmp/)
  })

  itNeeds(noBoot)('is where its manager looks, whatever this shell says', async () => {
    await writeConfig({})
    await evoToken('service install')
    await evoToken('service uninstall')
    await machine.write(
      '/etc/systemd/system/user@.service.d/config-home.conf',
      `[Service]\nEnvironment=XDG_CONFIG_HOME=${HOME}/.settings\n`,
    )
    await machine.sh(`systemctl daemon-reload; systemctl restart "user@$(id -u ${PERSON}).service"`)
    expect(await evoToken('service install')).toContain('The service runs and answers.')
    const unit = await machine.sh(`cat ${HOME}/.settings/systemd/user/evo-token.service`)
    expect(unit).toContain(`"--config" "${CONFIG}"`)
    expect(await evoToken('service status')).toContain('as written')
    expect(await evoToken('service uninstall')).toContain('.settings/systemd/user')

    await machine.sh(
      `rm /etc/systemd/system/user@.service.d/config-home.conf
      systemctl daemon-reload; systemctl restart "user@$(id -u ${PERSON}).service"`,
    )
    const elsewhere = `env XDG_CONFIG_HOME=${HOME}/.shell XDG_STATE_HOME=${HOME}/.states`
    await machine.asPerson(`mkdir -p ${HOME}/.shell`)
    await machine.asPerson(`cp -r ${HOME}/.config/evo-token ${HOME}/.shell`)
    expect(await machine.asPerson(`${elsewhere} evo-token service install 2>&1`)).toContain(
      'The service runs and answers.',
    )
    const command = await machine.user.property('evo-token', 'ExecStart')
    expect(command).toContain(`${HOME}/.shell/evo-token/config.json`)
    expect(command).toContain(`${HOME}/.states/evo-token`)
  })
})
