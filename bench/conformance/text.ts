/**
 * text_injection.json: an agent's text in every place where one comes in, and what the audit, the log and the terminal
 * make of it; and the page on which a person decides. What concerns a chat or an export is left out, and said.
 */
import { createHash } from 'node:crypto'
import { number, text as textOf, texts, unknownMembers, type Case } from './cases.ts'
import { openCommands, unsafe } from './commands.ts'
import type { Detector } from './detector.ts'
import { logProblems } from './log.ts'
import { skipped, upstreamOf, type Outcome } from './result.ts'
import { pageProblems } from './text-page.ts'
import { places } from './text-places.ts'
import { watch, type Watched } from './watch.ts'
import { headerOf } from './wire.ts'
import { named, type World } from './world.ts'

/** Checks of a message to a chat or of an export: there is neither. */
const later: ReadonlySet<string> = new Set(['no_mass_mention', 'csv_safe'])

/** Names of operations that the places are, whatever the text in them says. */
const facts: ReadonlySet<string> = new Set(['environment', 'variableUpsert', 'repos/get-content'])

export async function runText(world: World, detector: Detector, each: Case): Promise<Outcome> {
  const checks = texts(each.expect['checks'])
  if (checks.every((check) => later.has(check)))
    return skipped('there are no messages to chats, and no exports')
  const notes: string[] = []
  const unknown = unknownMembers(each.request, ['text', 'places', 'code_points'])
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)
  const text = world.expansion.expand(textOf(each.request['text']) ?? '', world.values)
  // Made before anything is watched: the broker asks the provider about a new credential.
  for (const wanted of Object.values(named)) await world.capability(wanted)
  const start = await lastId(world)
  const logged = world.brokers.log.length
  const observed: Record<string, unknown> = {}
  const upstream: Outcome['upstream'][number][] = []

  for (const name of texts(each.request['places'])) {
    const place = places[name]
    if (place === undefined) {
      if (name === 'agent_reason') {
        const page = await pageProblems(world, text, checks)
        observed[name] = page.observed
        observed['a freeze’s reason'] = await freezeReason(world, text, notes)
        notes.push(...page.problems.map((problem) => `${name}: ${problem}`))
      } else if (name === 'agent_display_name')
        observed[name] = await displayName(world, text, notes)
      else notes.push(`not driven: the place "${name}" is not known here`)
      continue
    }
    const watched = await watch(world, { detector }, () => place(world, text))
    observed[name] = watched.status ?? 'closed'
    upstream.push(...upstreamOf(watched.forwarded, name))
    const problems = [
      ...watched.broken,
      ...watched.leaks,
      ...placeProblems(world, name, text, watched),
    ]
    if (watched.status === number(each.expect['status_must_not_be']))
      problems.push(`it answered ${String(watched.status)}`)
    notes.push(...problems.map((problem) => `${name}: ${problem}`))
  }
  const rows = await rowsSince(world, start)
  notes.push(...rowProblems(rows), ...logProblems(world, detector, logged))
  notes.push(...(await terminalProblems(world, rows)))
  observed['left out'] = checks.filter((check) => later.has(check))
  return { observed, upstream, notes }
}

/** The text arrives as it was, or the request was refused and that is on record. */
function placeProblems(world: World, name: string, text: string, watched: Watched): string[] {
  const problems: string[] = []
  const [decision] = watched.decisions
  const refused = (watched.status ?? 400) >= 400
  // What the parser refuses is nobody's request yet.
  const read = watched.answers.some((answer) => headerOf(answer, 'valetkey-decision') !== undefined)
  if (read && watched.decisions.length !== 1) problems.push('there is no decision on record')
  if (
    decision?.environment !== undefined &&
    decision.environment.name !== world.environments.staging.name
  )
    problems.push('the audit names another environment')
  for (const operation of decision?.operations ?? [])
    if (!facts.has(operation.name)) problems.push(`the audit names the operation ${operation.name}`)
  if (name === 'resource_name' && decision !== undefined && decision.operations.length > 0) {
    const recorded = decision.operations[0]?.resources[0] ?? ''
    if (!same(recorded.replace(/^[a-zA-Z]+:/, ''), text))
      problems.push('the audit has another text')
  }
  if (name === 'rest_path_segment' && decision?.path !== undefined && !refused)
    if (!decision.path.includes('…[') && !decodeURIComponent(decision.path).endsWith(text))
      problems.push('the audit has another path')
  for (const request of watched.forwarded) {
    if (name === 'user_agent' && headerOf(request, 'user-agent')?.includes(text) === true)
      problems.push('the provider got the agent’s own User-Agent')
    if (name === 'variable_name' || name === 'variable_value') {
      const sent = JSON.parse(request.body.toString('utf8')) as {
        variables?: { input?: { name?: string; value?: string } }
      }
      const input = sent.variables?.input
      if ((name === 'variable_name' ? input?.name : input?.value) !== text)
        problems.push('the provider got another text')
    }
  }
  if (!refused && watched.forwarded.length !== 1) problems.push('it was not forwarded once')
  return problems
}

/** Exactly, or cut with a mark that says how long it was. */
function same(recorded: string, text: string): boolean {
  if (recorded === text) return true
  const mark = recorded.lastIndexOf('…[')
  return mark > 0 && recorded.endsWith(']') && text.startsWith(recorded.slice(0, mark))
}

type Freezes = { readonly items: readonly { readonly id: string; readonly reason: string }[] }

/** The other free text that there is: kept to the letter, or refused. */
async function freezeReason(world: World, text: string, notes: string[]): Promise<number> {
  const { api } = world.brokers
  const made = await api('POST', '/v1/freezes', {
    scope: 'agent',
    subject: world.bystander,
    reason: text,
  })
  if (made.status >= 500) notes.push(`a freeze for this reason answered ${String(made.status)}`)
  if (made.status === 201) {
    const listed = await api('GET', '/v1/freezes?limit=200')
    const found = (listed.body as Freezes).items.find(
      ({ id }) => id === (made.body as { id: string }).id,
    )
    if (found?.reason !== text) notes.push('the reason of a freeze is not what it was')
  }
  return made.status
}

async function displayName(world: World, text: string, notes: string[]): Promise<number> {
  const { api } = world.brokers
  const made = await api('POST', '/v1/agents', { name: text })
  if (made.status >= 500) notes.push(`an agent of this name answered ${String(made.status)}`)
  if (made.status === 201) {
    const read = await api('GET', `/v1/agents/${(made.body as { agent: { id: string } }).agent.id}`)
    if ((read.body as { name: string }).name !== text)
      notes.push('the name of an agent is not what it was')
  }
  return made.status
}

type Row = { readonly canonical: string; readonly leaf: Buffer }

async function lastId(world: World): Promise<string> {
  const row = await world.brokers.first.broker.db
    .selectFrom('audit_entry')
    .select((e) => e.fn.max('id').as('id'))
    .executeTakeFirst()
  return String(row?.id ?? 0)
}

async function rowsSince(world: World, id: string): Promise<readonly Row[]> {
  const rows = await world.brokers.first.broker.db
    .selectFrom('audit_entry')
    .select(['canonical', 'leaf_hash'])
    .where('id', '>', id)
    .execute()
  return rows.map((row) => ({ canonical: row.canonical, leaf: row.leaf_hash }))
}

/** Each row is what was hashed, is JSON of well-formed text on one line, and keeps no text beyond its bound. */
function rowProblems(rows: readonly Row[]): readonly string[] {
  return rows.flatMap(({ canonical, leaf }) => {
    const hash = createHash('sha256').update('\0').update(canonical, 'utf8').digest()
    if (!hash.equals(leaf)) return ['an audit row does not verify']
    if (/[\r\n]/.test(canonical) || !canonical.isWellFormed())
      return ['an audit row is not one line of text']
    const { operations, path } = JSON.parse(canonical) as {
      operations?: { name: string; resources: string[] }[]
      path?: string
    }
    const kept = [
      path ?? '',
      ...(operations ?? []).flatMap((each) => [each.name, ...each.resources]),
    ]
    return kept.some((each) => each.length > 300) ? ['an audit row keeps a text without bound'] : []
  })
}

/** What the CLI prints of it: nothing that a terminal obeys or hides, and what it hides shown as what it is. */
async function terminalProblems(world: World, rows: readonly Row[]): Promise<readonly string[]> {
  const commands = await openCommands(world)
  const problems: string[] = []
  const limit = String(Math.min(200, rows.length + 20))
  const shown: string[] = []
  for (const argv of [
    ['audit', '--limit', limit],
    ['freezes'],
    ['audit', '--limit', limit, '--json'],
  ]) {
    const { code, lines } = await commands.run(argv)
    if (code !== 0) problems.push(`valetkey ${argv.join(' ')} ended with ${String(code)}`)
    for (const line of lines)
      if (unsafe.test(line))
        problems.push(`valetkey ${argv[0] ?? ''} prints ${JSON.stringify(line.slice(0, 80))}`)
    shown.push(...lines)
  }
  const all = shown.join('\n')
  for (const { canonical } of rows)
    for (const character of JSON.stringify(JSON.parse(canonical)))
      if (
        unsafe.test(character) &&
        !all.includes(`\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
      )
        problems.push(`U+${character.charCodeAt(0).toString(16)} is dropped rather than shown`)
  return problems
}
