// Builds the programs of tests, demo and benches in build/. It checks no types: `npm run typecheck` does.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import ts from 'typescript'
import { root, sources } from './sources.mjs'

// The modules of src that scripts and test programs import. What ships is bundled, so they cannot import that.
const MODULES = [
  'src/adapters/log/logger.ts',
  'src/adapters/loopback/inherited-sockets.ts',
  'src/adapters/loopback/listener.ts',
  'src/adapters/process/lock.ts',
  'src/adapters/vault/key-places/key-file.ts',
  'src/adapters/vault/key-places/key-places.ts',
  'src/adapters/vault/open-vault.ts',
  'src/cli/commands.ts',
  'src/cli/service/program.ts',
  'src/cli/signing-in/login-browser.ts',
  'src/config/schema.ts',
  'src/platform/posix/systemd-units.ts',
  'src/platform/windows/files.ts',
]

// Rolldown would import the helpers of `await using` for older Node from a package that is not installed.
const typescript = {
  name: 'typescript',
  transform: {
    filter: { id: /\.ts$/ },
    handler(code, fileName) {
      const { ESNext } = ts.ModuleKind
      const { ES2023 } = ts.ScriptTarget
      const compilerOptions = {
        target: ES2023,
        module: ESNext,
        verbatimModuleSyntax: true,
        sourceMap: true,
      }
      const { outputText, sourceMapText } = ts.transpileModule(code, { fileName, compilerOptions })
      return { code: outputText, map: sourceMapText, moduleType: 'js' }
    },
  },
}

// One file for each source: programs find other files beside them, and stack traces name the source.
rmSync(join(root, 'build/src'), { recursive: true, force: true })
const tools = await rolldown({
  ...sources,
  input: [
    ...readdirSync(join(root, 'bench')).map((name) => `bench/${name}`),
    'demo/demo.ts',
    'test/faults/daemon-entry.ts',
    'test/faults/run/faults.ts',
    'test/systemd/load.ts',
    'test/web/pictures.ts',
    ...MODULES,
  ],
  external: /^[^./]/,
  plugins: [typescript],
})
await tools.write({
  dir: join(root, 'build'),
  preserveModules: true,
  preserveModulesRoot: root,
  sourcemap: true,
})
