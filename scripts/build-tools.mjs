// Makes the programs of tests, demo and benches in build/. Types are not looked at: `npm run typecheck` does.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')
const sources = {
  cwd: root,
  platform: 'node',
  logLevel: 'warn',
  transform: { target: 'node20.19' },
}

// Rolldown would take what `await using` needs on older Node from a package that is not there.
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

// One file for each source: programs find others beside them, and an error says where it was thrown.
const tools = await rolldown({
  ...sources,
  input: [
    ...readdirSync(join(root, 'bench')).map((name) => `bench/${name}`),
    'demo/demo.ts',
    'test/faults/run/faults.ts',
    'test/systemd/load.ts',
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

// The daemon that tests start a hundred times: with its packages in few files it takes half the time to load.
const daemon = await rolldown({
  ...sources,
  input: 'test/faults/daemon-entry.ts',
  external: ['keytar'],
  // The other form of jsonc-parser loads its parts in a way that no bundler sees.
  resolve: { mainFields: ['module', 'main'] },
})
await daemon.write({ dir: join(root, 'build/daemon'), sourcemap: true })
