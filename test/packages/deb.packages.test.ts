/** The Debian package: what it says of itself, and its life on a booted machine. */
import { spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { describe, expect } from 'vitest'
import { CLIENTS, startAuthorizationServer } from '../support/authorization-server.ts'
import { bootSystemd, MACHINE, noSystemd } from '../support/booted-systemd.ts'
import { freePort, requireDefaultPort } from '../support/free-port.ts'
import { itNeeds, missingCommands, noIpv6 } from '../support/needs.ts'
import { WITH_NODE } from '../support/packages.ts'
import { until } from '../support/until.ts'
import { packageFile, VERSION } from './install.ts'

/** Only this unit says where the daemon listens. */
const ETC = '/etc/systemd/system/evo-token.socket'

function fieldOf(file: string, field: string): string {
  return spawnSync('dpkg-deb', ['--field', file, field], { encoding: 'utf8' }).stdout.trim()
}

/**
 * Installs a package `nodejs` of this version, which holds the Node that runs this test: Debian 12 has
 * none that is new enough, and not every machine that tests this is a Debian 13.
 */
function installNodejs(version: string): string {
  return `mkdir -p /root/nodejs/DEBIAN /root/nodejs/usr/bin
    printf '%s\\n' 'Package: nodejs' 'Version: ${version}' 'Architecture: amd64' 'Maintainer: none' 'Description: for a test' >/root/nodejs/DEBIAN/control
    cp '${MACHINE}${process.execPath}' /root/nodejs/usr/bin/node
    dpkg-deb --build -Znone /root/nodejs /root/nodejs.deb
    dpkg --install /root/nodejs.deb`
}

describe('the Debian package', () => {
  itNeeds(missingCommands('dpkg-deb'))('needs a Node of the machine, or brings one', () => {
    const name = `evo-token_${VERSION}_amd64.deb`
    const [plain, whole] = [packageFile('evo-token_0'), packageFile('evo-token_0', WITH_NODE)]
    expect([basename(plain), basename(whole)]).toEqual([name, name])
    expect(fieldOf(plain, 'Depends')).toContain('nodejs (>= 20.19)')
    expect(fieldOf(whole, 'Depends')).not.toContain('nodejs')
  })

  itNeeds(missingCommands('lintian'))('has nothing that lintian calls an error', () => {
    for (const file of [packageFile('evo-token_0'), packageFile('evo-token_0', WITH_NODE)]) {
      const args = ['--fail-on', 'error', '--allow-root', file]
      const { status, stdout } = spawnSync('lintian', args, { encoding: 'utf8' })
      expect(status, stdout).toBe(0)
    }
  })

  itNeeds(noSystemd() ?? missingCommands('dpkg'))(
    'runs by the nodejs of the machine, and is not configured without one that is new enough',
    async () => {
      await requireDefaultPort()
      await using machine = await bootSystemd()
      const { sh } = machine
      await sh('rm -f /usr/sbin/policy-rc.d /usr/local/bin/evo-token /usr/local/bin/node')
      await sh(
        `dpkg --remove --force-depends nodejs >/dev/null 2>&1 || true; ${installNodejs('18.20.4')}`,
      )
      const file = `${MACHINE}${packageFile('evo-token_0')}`
      await expect(sh(`LC_ALL=C dpkg --install '${file}' 2>&1`)).rejects.toThrow(
        /evo-token depends on nodejs \(>= 20\.19\)/,
      )
      await sh(installNodejs(process.versions.node))
      await sh('dpkg --configure evo-token 2>&1')
      expect(await sh('systemctl is-active evo-token.service')).toBe('active\n')
      expect(await sh('evo-token status 2>&1')).toContain('No app')
      expect(await sh('readlink /proc/$(systemctl show -P MainPID evo-token)/exe')).toBe(
        '/usr/bin/node\n',
      )
    },
  )

  itNeeds(noSystemd() ?? missingCommands('dpkg'))(
    'starts its service, keeps tokens over an upgrade, and leaves nothing when it is purged',
    async () => {
      const server = await startAuthorizationServer()
      await requireDefaultPort()
      await using machine = await bootSystemd()
      const { sh } = machine
      // As a machine has it: the images of containers forbid packages to start services.
      await sh('rm -f /usr/sbin/policy-rc.d /usr/local/bin/evo-token /usr/local/bin/node')
      const install = (file: string) => sh(`dpkg --install '${file}' 2>&1`)

      await install(`${MACHINE}${packageFile('evo-token_0', WITH_NODE)}`)
      expect(await sh('systemctl is-enabled evo-token.socket evo-token.service')).toBe(
        'enabled\nenabled\n',
      )
      expect(await sh('systemctl is-active evo-token.service')).toBe('active\n')
      expect(await sh('evo-token status 2>&1')).toContain('No app')
      expect(await sh('stat -c "%a %U" /etc/evo-token/vault-key')).toBe('600 root\n')
      expect(await sh('readlink /proc/$(systemctl show -P MainPID evo-token)/exe')).toBe(
        '/usr/lib/evo-token/node\n',
      )
      // It finds the units that it would write: those of the package, where both families are there.
      const planned = await sh('evo-token service install --system --dry-run')
      expect(planned).not.toContain('[Unit]')
      if (noIpv6() === undefined) await sh(`! test -e ${ETC}`)
      else await sh(`test -e ${ETC}`)

      await machine.write(
        '/etc/evo-token/config.json',
        JSON.stringify({
          issuer: server.issuer,
          listen: { port: await freePort() },
          vault: { key: 'credential' },
          apps: {
            pipeline: {
              type: 'service',
              clientId: CLIENTS.service.clientId,
              scopes: ['evo.discovery', 'evo.workspace'],
            },
          },
        }),
      )
      const said = await sh('evo-token service install --system 2>&1')
      expect(said).toContain(`Wrote ${ETC}`)
      expect(said).toContain('take precedence over those that the evo-token package brings')
      await sh('evo-token secret pipeline', CLIENTS.service.clientSecret)
      const token = await sh('evo-token get pipeline')
      expect(token).toMatch(/^eyJ/)

      await sh(
        `cd /root && dpkg-deb --raw-extract '${MACHINE}${packageFile('evo-token_0', WITH_NODE)}' newer
        sed -i 's/^Version: .*/Version: 99.0.0/' newer/DEBIAN/control
        sed -i 's/"version": "[^"]*"/"version": "99.0.0"/' newer/usr/lib/evo-token/package.json
        echo '// newer' >>newer/usr/lib/evo-token/dist/main.js
        dpkg-deb --build -Znone newer newer.deb`,
      )
      await install('/root/newer.deb')
      await until(
        'the new version runs',
        () =>
          sh(
            'evo-token get pipeline --json && curl -s --unix-socket /run/evo-token/owner.sock http://localhost/v1/apps',
          ),
        (answer) => answer.includes('99.0.0'),
      )

      expect(await sh('dpkg --remove evo-token 2>&1')).toContain(`Removed ${ETC}`)
      await sh(`! test -e ${ETC}; ! systemctl is-active evo-token.service`)
      await sh('test -e /var/lib/private/evo-token/vault')
      await sh('dpkg --purge evo-token')
      await sh('! test -e /var/lib/private/evo-token; ! test -e /etc/evo-token')
      await server.close()
    },
  )
})
