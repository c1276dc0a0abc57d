/** What the documents promise is what the code does: the tables of problems and variables, and the commands people type. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defaultLimits } from '../../src/approval/park.ts'
import { deniedCoolDownSeconds, sendWithinSeconds } from '../../src/approval/step.ts'
import { approvalStates } from '../../src/core/approval.ts'
import { defaultTerms, longestWait } from '../../src/core/approval-terms.ts'
import { EnvironmentTermsShape, GrantTerms } from '../../src/http/admin/approval-terms.ts'
import { answerKeptMs } from '../../src/proxy/settlement.ts'
import { largestKept } from '../../src/proxy/kept-answer.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import { problems } from '../../src/problem.ts'

const root = new URL('../../', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

/** The cells of every table row whose first cell is `code`. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

function uncoded(cell: string | undefined): string {
  return (cell ?? '').replace(/^`(.*)`$/, '$1')
}

/** Every variable that the broker knows, from the sentence in which it says so itself. */
function knownVariables(): readonly string[] {
  try {
    readConfig({ VALETKEY_MISSPELT: '1' })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const list = error.message.split('it knows ')[1] ?? ''
    return list.split(', ')
  }
  throw new Error('a misspelt variable was accepted')
}

test('docs/problems.md lists every problem once, in the order of the table, with its status and title', () => {
  const documented = rowsOf(read('docs/problems.md')).map(([code, status, title]) => [
    uncoded(code),
    Number(status),
    title,
  ])
  const table = Object.entries(problems).map(([code, { status, title }]) => [code, status, title])
  assert.deepEqual(documented, table)
})

test('docs/problems.md says what to do about every problem', () => {
  for (const [code, , , advice] of rowsOf(read('docs/problems.md')))
    assert.ok((advice ?? '').length > 3, `${String(code)} has no advice`)
})

test('docs/approvals.md says what every state is, and the defaults of the terms', () => {
  const rows = rowsOf(read('docs/approvals.md'))
  const named = new Map(rows.map(([name, ...rest]) => [uncoded(name), rest]))
  assert.deepEqual(
    rows.slice(0, approvalStates.length).map(([state]) => uncoded(state)),
    approvalStates,
  )
  const { waitSeconds, expirySeconds, execute, holdSeconds, approver, escalateSeconds } =
    defaultTerms
  const said = {
    expiry_seconds: expirySeconds,
    wait_seconds: waitSeconds,
    execute,
    hold_seconds: holdSeconds,
    approver,
    escalate_seconds: escalateSeconds,
  }
  for (const [name, value] of Object.entries(said))
    assert.equal(uncoded(named.get(name)?.at(-1)), String(value), name)
  const terms = new Set([
    ...Object.keys(GrantTerms.properties),
    ...Object.keys(EnvironmentTermsShape.properties),
  ])
  const documented = rows.slice(approvalStates.length).map(([name]) => uncoded(name))
  assert.deepEqual(documented.sort(), [...terms].sort())
})

test('docs/approvals.md gives the numbers that the code has', () => {
  const text = read('docs/approvals.md').replaceAll(/\s+/g, ' ')
  assert.ok(text.includes(`for ${String(longestWait)} seconds at the most`))
  assert.deepEqual(
    [defaultLimits.pendingPerAgent, defaultLimits.refusedInARow],
    [20, 5],
    'twenty at once, five in a row',
  )
  for (const seconds of [defaultLimits.refusedCoolDownSeconds, deniedCoolDownSeconds])
    assert.equal(seconds, 600, 'ten minutes')
  assert.deepEqual([answerKeptMs, largestKept, sendWithinSeconds], [3_600_000, 1_048_576, 300])
})

test('docs/configuration.md lists exactly the variables that the broker reads', () => {
  const documented = rowsOf(read('docs/configuration.md')).map(([name]) => uncoded(name))
  assert.deepEqual(documented, knownVariables())
})

test('the defaults that docs/configuration.md gives are those of the code', () => {
  const defaults = new Map(
    rowsOf(read('docs/configuration.md')).map(([name, value]) => [uncoded(name), uncoded(value)]),
  )
  const config = readConfig({})
  assert.equal(defaults.get('PORT'), String(config.port))
  assert.equal(defaults.get('HOST'), config.host)
  assert.equal(defaults.get('LOG_LEVEL'), config.logLevel)
  assert.equal(defaults.get('VALETKEY_BEHIND_PROXY'), String(config.behindProxy))
})

test('the README begins with the two commands, and .ci/run calls the second of them', () => {
  const firstBlock = /```sh\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? ''
  const commands = firstBlock
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s*#.*$/, ''))
  assert.deepEqual(commands, ['npm ci && npm start', 'npm ci && npm test'])
  assert.ok(
    read('.ci/run')
      .split('\n')
      .includes(`bash -c '${commands[1] ?? ''}'`),
  )
})

test('every npm script that a document or .ci/run names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const documents = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'deploy/README.md',
    'docs/configuration.md',
    'docs/understanding.md',
    '.ci/run',
  ]
  for (const document of documents) {
    for (const [, name = ''] of read(document).matchAll(
      /npm run (?:--silent )?([a-z][a-z:-]*[a-z])/g,
    ))
      assert.ok(Object.hasOwn(scripts, name), `${document} names npm run ${name}`)
  }
})

test('every file that a document of the house links to exists', () => {
  const documents = [
    'README.md',
    'ARCHITECTURE.md',
    'THREAT-MODEL.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'deploy/README.md',
    'docs/approvals.md',
    'docs/conformance.md',
    'docs/federation.md',
    'docs/problems.md',
    'docs/configuration.md',
    'docs/understanding.md',
  ]
  for (const document of documents) {
    const base = new URL(document, root)
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      assert.ok(existsSync(new URL(target, base)), `${document} links to ${target}`)
    }
  }
})

test('every source file that ARCHITECTURE.md and CONTRIBUTING.md name exists', () => {
  for (const document of ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'THREAT-MODEL.md']) {
    for (const [, path = ''] of read(document).matchAll(
      /`((?:src|test|bench|deploy|migrations|docs)\/[a-z0-9_./-]*)`/g,
    ))
      assert.ok(existsSync(new URL(path, root)), `${document} names ${path}`)
  }
})
