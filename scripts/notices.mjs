/** Collects the licences of the packages in a bundle, from the files that it was made of. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * @param files of the bundle; those that are in no package are ours.
 * @throws where a package states no licence.
 */
export function noticesOf(files) {
  const packages = new Map()
  for (const file of files.map(withoutPrefix).filter((id) => id.includes('/node_modules/'))) {
    const directory = packageOf(file)
    packages.set(directory, JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')))
  }
  const notices = [...packages].map(([directory, manifest]) => noticeOf(directory, manifest))
  return [
    'evo-token-sidecar holds code of these packages, each under its own licence.\n',
    ...notices.sort(),
  ].join(`\n${'-'.repeat(80)}\n\n`)
}

/** A bundler marks modules that it makes of others (CommonJS, JSON) by a NUL before the path or a query after it. */
function withoutPrefix(id) {
  return id.replace(/^\0/, '').replace(/\?.*$/, '').replaceAll('\\', '/')
}

/** The nearest directory above whose manifest has a version: others only tell Node the type of `.js` files. */
function packageOf(file) {
  let directory = dirname(file)
  while (!isOfPackage(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

function isOfPackage(path) {
  return existsSync(path) && 'version' in JSON.parse(readFileSync(path, 'utf8'))
}

function noticeOf(directory, { name, version, license, author }) {
  if (!license) throw new Error(`${name} states no licence`)
  const texts = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(directory, file), 'utf8').trim())
  const by = typeof author === 'string' ? author : author?.name
  return [`${name} ${version} (${license})`, ...(texts.length > 0 ? texts : [by ?? ''])].join(
    '\n\n',
  )
}
