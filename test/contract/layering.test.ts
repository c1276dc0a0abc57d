/**
 * The layers, read from the sources themselves: the linter holds them while one writes, this while one does not look.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const src = path.join(root, 'src')

/** Comments hold words that look like code. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({
    file,
    code: withoutComments(readFileSync(path.join(src, file), 'utf8')),
  }))

/** Every module that a file imports, loads or re-exports: relative ones as paths within src. */
function importsOf({ file, code }: { file: string; code: string }): readonly string[] {
  const found = [
    ...code.matchAll(/\bfrom\s+'([^']+)'/g),
    ...code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g),
    ...code.matchAll(/^import\s+'([^']+)'/gm),
  ].map((match) => match[1] ?? '')
  return found.map((name) =>
    name.startsWith('.') ? path.posix.normalize(path.posix.join(path.dirname(file), name)) : name,
  )
}

const below = ['core']
const middle = [...below, 'db', 'audit']
/** What each folder may import besides itself, `ids` and `problem`. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  provider: below,
  db: below,
  audit: [...below, 'db'],
  directory: middle,
  vault: middle,
  capability: middle,
  approval: middle,
  // It knows no database: what is trusted is handed in.
  federation: below,
  // It signs as a provider wants it signed; what it mints with is the vault's.
  minting: [...below, 'audit', 'vault', 'provider'],
  proxy: [...middle, 'directory', 'vault', 'capability', 'approval', 'provider', 'minting'],
  lease: [...middle, 'directory', 'vault', 'capability', 'minting', 'proxy'],
  http: [
    ...middle,
    'directory',
    'vault',
    'capability',
    'approval',
    'federation',
    'provider',
    'minting',
    'proxy',
    'lease',
  ],
  // It compiles descriptions, and checks the evidence of approvals, without a broker.
  cli: [...below, 'provider', 'approval'],
}
const anywhere = new Set(['ids.ts', 'problem.ts'])

test('the sources are there to be looked at', () => {
  assert.ok(files.length > 100)
  for (const folder of ['core', 'provider', 'db', 'audit', 'vault', 'proxy', 'http', 'cli'])
    assert.ok(
      files.some(({ file }) => file.startsWith(`${folder}/`)),
      folder,
    )
})

test('imports point one way: no folder imports a sibling or what lies above it', () => {
  const wrong: string[] = []
  for (const each of files) {
    const [folder = ''] = each.file.split('/')
    const allowed = layers[folder]
    if (allowed === undefined || !each.file.includes('/')) continue
    for (const target of importsOf(each)) {
      if (!target.includes('.ts') && !target.includes('.json') && !target.startsWith('..')) continue
      const [into = ''] = target.split('/')
      const good = anywhere.has(target) || into === folder || allowed.includes(into)
      if (!good) wrong.push(`${each.file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the CLI takes from approval/ what checks evidence, and nothing that knows a database', () => {
  const taken = files
    .filter(({ file }) => file.startsWith('cli/'))
    .flatMap((each) => importsOf(each).filter((target) => target.startsWith('approval/')))
  assert.deepEqual([...new Set(taken)].sort(), [
    'approval/evidence.ts',
    'approval/verify-evidence.ts',
  ])
})

test('what .oxlintrc.json forbids and this test forbids is the same', () => {
  const { overrides } = JSON.parse(readFileSync(path.join(root, '.oxlintrc.json'), 'utf8')) as {
    overrides: {
      files: string[]
      rules: { 'no-restricted-imports'?: [string, { patterns: { group: string[] }[] }] }
    }[]
  }
  for (const [folder, allowed] of Object.entries(layers)) {
    const override = overrides.find(({ files }) => files.includes(`src/${folder}/**/*.ts`))
    const group = override?.rules['no-restricted-imports']?.[1].patterns.flatMap((p) => p.group)
    assert.ok(group !== undefined, `${folder} has no layer in .oxlintrc.json`)
    for (const other of Object.keys(layers)) {
      if (other === folder) continue
      assert.equal(group.includes(`**/${other}/**`), !allowed.includes(other), `${folder} ${other}`)
    }
  }
})

test('only stores, the log and the feed reach the database with anything but its types', () => {
  const stores =
    /^(db\/|audit\/(batch|log|read|recovery)\.ts$|directory\/|vault\/(answered-credential|minted-store|opener|store|unseal|vault)\.ts$|capability\/(handle|keys|replay|revocation)\.ts$|approval\/(ending|park|one-time-code|passkey|passkey-permit|presence|proof|sealed|step|store)\.ts$|lease\/(ending|lease|sealed|store)\.ts$|keeper\/|(broker|config)\/|[a-z-]+\.ts$)/
  // They commit, and read what a sign-in or a key belongs to, through functions of the stores.
  const handed = new Set([
    'proxy/approval-changes.ts',
    'proxy/dispatcher.ts',
    'proxy/gate.ts',
    'proxy/parking.ts',
    'lease/entry.ts',
    'lease/hand-out.ts',
    'lease/keeper.ts',
    'lease/kept.ts',
    'lease/plan.ts',
    'http/deps.ts',
    'http/operator-auth.ts',
    'http/admin/change.ts',
    'http/admin/state-routes.ts',
    'http/agent/client.ts',
    'http/agent/oauth.ts',
    'http/identity/change.ts',
    'http/identity/standing.ts',
  ])
  const wrong = files
    .filter((each) => importsOf(each).some((target) => target.startsWith('db/')))
    .map(({ file }) => file)
    .filter((file) => !stores.test(file) && !handed.has(file))
  assert.deepEqual(wrong, [])
  for (const { file, code } of files.filter(({ file }) => handed.has(file)))
    assert.ok(!/\.(selectFrom|insertInto|updateTable|deleteFrom)\(|\bsql`/.test(code), file)
})

test('only the vault’s stores and the keeper name the tables of credentials in a statement', () => {
  const statement =
    /\b(selectFrom|insertInto|updateTable|deleteFrom|innerJoin|leftJoin)\(\s*'(credential|credential_version)\b|\b(from|into|update|join)\s+"?credential(_version)?\b"?\s/
  const wrong = files
    .filter(({ code }) => statement.test(code))
    .map(({ file }) => file)
    .filter((file) => !/^vault\/(minted-)?store\.ts$/.test(file) && !file.startsWith('keeper/'))
  assert.deepEqual(wrong, [])
})

test('only config.ts, and each program’s main, read the environment of the process', () => {
  const readers = files.filter(({ code }) => /\bprocess\s*(\.|\[)\s*'?env\b/.test(code))
  assert.deepEqual(readers.map(({ file }) => file).sort(), ['cli/main.ts', 'config.ts'])
})

test('a secret is revealed only where it is sealed, sent, or looked for', () => {
  const wrong = files
    .filter(({ code }) => /\.reveal(Bytes)?\(/.test(code))
    .map(({ file }) => file)
    .filter((file) => !file.startsWith('vault/'))
    .sort()
  // The outgoing request, the scrubber that looks for it, what mints with it, and the keys of capabilities, which are sealed like it.
  const known = [
    'minting/minter.ts',
    'minting/shared.ts',
    'proxy/forward.ts',
    'proxy/outgoing.ts',
    'proxy/probe.ts',
  ]
  assert.deepEqual(
    wrong.filter((file) => !known.includes(file)),
    [],
  )
})

test('nothing is exported by default, and nothing is typed as any', () => {
  for (const { file, code } of files) {
    assert.ok(!/^export\s+default\b/m.test(code), `${file} has a default export`)
    assert.ok(
      !/([A-Za-z_)\]?]:\s*any\b|<any\b|\bas\s+any\b|\bany\[\])/.test(
        code.replace(/'[^'\n]*'|`[^`]*`/g, "''"),
      ),
      `${file} uses any`,
    )
  }
})

test('no file is called utils, helpers, common, manager or service', () => {
  const vague = /(^|\/|-)(utils?|helpers?|common|managers?|services?)\.ts$/
  const wrong = files.map(({ file }) => file).filter((file) => vague.test(file))
  // A provider has services of its own; none of ours is one.
  assert.deepEqual(wrong, [])
})
