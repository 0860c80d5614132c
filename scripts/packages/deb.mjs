/** The Debian package: the program for a machine, as a system service. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fillService, fillSocket } from '../../build/src/platform/posix/systemd-units.js'
import { programDigest } from '../../build/src/cli/service/program.js'
import { root } from '../sources.mjs'
import { copy, manifest, repository, run, stage } from './staging.mjs'

const ARCHITECTURE = 'amd64'
const HOME = '/usr/lib/evo-token'
const DEBIAN = join(root, 'scripts/packages/debian')
/** Debian requires a mail address, and the project has none. */
const MAINTAINER = `${manifest.author} <no-address@repository-not-set.invalid>`

/** `withNode` puts the Node that runs this script into the package, which then needs none on the machine. */
export function packDeb(to, { withNode }) {
  const tree = stage('deb')
  const node = withNode ? `${HOME}/node` : '/usr/bin/node'
  const place = (path, content, mode = 0o644) => {
    const file = join(tree, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    chmodSync(file, mode)
  }
  putProgram(tree, node, withNode)
  putUnits(place, tree, node)
  putDocuments(place)
  place('etc/evo-token/config.json', readFileSync(join(DEBIAN, 'config.json')))
  place('DEBIAN/conffiles', '/etc/evo-token/config.json\n')
  for (const script of ['postinst', 'prerm', 'postrm']) {
    place(`DEBIAN/${script}`, readFileSync(join(DEBIAN, script)), 0o755)
  }
  place('DEBIAN/control', controlOf(withNode, sizeOf(tree)))
  run('find', [tree, '-type', 'd', '-exec', 'chmod', '755', '{}', '+'])
  const file = `evo-token_${manifest.version}_${ARCHITECTURE}.deb`
  run('dpkg-deb', ['--build', '--root-owner-group', '-Zxz', '-z1', tree, join(to, file)])
  return [file]
}

function putProgram(tree, node, withNode) {
  const home = join(tree, HOME)
  copy(['package.json', 'dist', 'systemd', 'config.schema.json'], home)
  // keytar's binaries for other machines.
  const prebuilds = join(home, 'dist/keytar/prebuilds')
  renameSync(join(prebuilds, 'linux-x64'), join(home, 'linux-x64'))
  rmSync(prebuilds, { recursive: true })
  mkdirSync(prebuilds)
  renameSync(join(home, 'linux-x64'), join(prebuilds, 'linux-x64'))
  const main = join(home, 'dist/main.js')
  writeFileSync(main, readFileSync(main, 'utf8').replace(/^#!.*/, `#!${node}`))
  if (withNode) {
    cpSync(process.execPath, join(home, 'node'), { dereference: true })
    run('strip', ['--strip-unneeded', join(home, 'node')])
  }
  mkdirSync(join(tree, 'usr/bin'), { recursive: true })
  run('ln', ['-s', '../lib/evo-token/dist/main.js', join(tree, 'usr/bin/evo-token')])
  run('find', [home, '-type', 'f', '-exec', 'chmod', '644', '{}', '+'])
  run('chmod', ['755', main, ...(withNode ? [join(home, 'node')] : [])])
}

/** Writes the units that `service install --system` would write for the package's config. */
function putUnits(place, tree, node) {
  const main = `${HOME}/dist/main.js`
  const filling = {
    program: { node, main, digest: programDigest(join(tree, HOME, 'dist')) },
    options: ['--config', '/etc/evo-token/config.json'],
    listen: { host: '127.0.0.1', port: 13860 },
    ipv6: true,
    group: undefined,
    credentials: ['LoadCredential=vault-key:/etc/evo-token/vault-key'],
    stateDir: '/var/lib/private/evo-token',
    writable: [],
  }
  for (const [name, fill] of [
    ['evo-token.service', fillService],
    ['evo-token.socket', fillSocket],
  ]) {
    const template = readFileSync(join(root, 'systemd/system', name), 'utf8')
    place(`usr/lib/systemd/system/${name}`, fill(template, filling))
  }
}

function putDocuments(place) {
  const documents = 'usr/share/doc/evo-token'
  const compressed = (text) => gzipSync(text, { level: 9 })
  const page = readFileSync(join(root, 'man/evo-token.1'))
  place('usr/share/man/man1/evo-token.1.gz', compressed(page))
  place(`${documents}/changelog.gz`, compressed(debianChangelog()))
  place(`${documents}/CHANGELOG.md.gz`, compressed(readFileSync(join(root, 'CHANGELOG.md'))))
  place(`${documents}/copyright`, copyright())
  place('usr/share/lintian/overrides/evo-token', readFileSync(join(DEBIAN, 'lintian-overrides')))
  const completion = (shell) =>
    run(process.execPath, [join(root, 'dist/main.js'), 'completion', shell])
  place('usr/share/bash-completion/completions/evo-token', completion('bash'))
  place('usr/share/fish/vendor_completions.d/evo-token.fish', completion('fish'))
  place('usr/share/zsh/vendor-completions/_evo-token', `#compdef evo-token\n${completion('zsh')}`)
}

function debianChangelog() {
  return [
    `evo-token (${manifest.version}) unstable; urgency=medium\n`,
    '  * CHANGELOG.md.gz says what is new.\n',
    ` -- ${MAINTAINER}  ${new Date().toUTCString().replace('GMT', '+0000')}\n`,
  ].join('\n')
}

/** https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ */
function copyright() {
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8')
  const indented = licence
    .trim()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`))
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: evo-token-sidecar',
    `Comment: It holds code of other projects: ${HOME}/dist/NOTICES.txt has their licences.`,
    '',
    'Files: *',
    `Copyright: 2026 ${manifest.author}`,
    'License: Expat',
    ...indented,
    '',
  ].join('\n')
}

function controlOf(withNode, size) {
  const depends = withNode ? 'libstdc++6' : 'nodejs (>= 20.19)'
  return [
    'Package: evo-token',
    `Version: ${manifest.version}`,
    `Architecture: ${ARCHITECTURE}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${size}`,
    `Depends: libc6 (>= 2.28), ${depends}`,
    'Recommends: systemd',
    'Suggests: libsecret-1-0',
    'Section: net',
    'Priority: optional',
    `Homepage: ${repository}`,
    'Description: keeps the OAuth tokens of Seequent Evo apps fresh',
    ' A daemon that holds the credentials of apps, refreshes their access tokens and',
    ' hands the current one to the local programs that may have it, on loopback. They',
    ' hold no secret, open no browser, and never meet an expired token.',
    '',
  ].join('\n')
}

/** In KiB, as dpkg counts. */
function sizeOf(tree) {
  return run('du', ['-sk', '--apparent-size', tree]).split('\t')[0]
}
