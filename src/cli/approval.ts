/**
 * Approvals in a terminal: to read them, and to stop what was not sent yet. There is no command that approves: the sign-in
 * of the CLI lies in a file, where an agent that runs as the same user may read it (I6). What is shown of a request went
 * through core/visible.ts at the broker, and is put through it again here, as a broker may be another version.
 */
import { child, record, records, shown, text, texts, type Shape } from './answer.ts'
import { askedOptions, sayAsked } from './asked.ts'
import { command, type Command } from './command.ts'
import { idGiven } from './lookup.ts'
import type { Session } from './session.ts'
import { approvalStates } from '../core/approval.ts'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import { quoted, visible } from '../core/visible.ts'

const example = 'apr_01jxyz…'
/** Of one line: enough for all the arguments that a document holds. */
const longestLine = 25_000

function show(call: Session, item: Shape): void {
  if (call.json) return call.sayJson(item, 2)
  const document = child(item, 'document')
  const environment = child(document, 'environment')
  call.say(`${shown(item, 'id')}, ${shown(item, 'state')}`)
  call.say(shown(item, 'sentence'))
  call.say(shown(item, 'outcome'))
  const guarded = text(environment, 'protected') === 'true' ? 'protected' : 'not protected'
  call.say(`  environment: ${from(environment, 'name')} (${guarded})`)
  for (const operation of records(document, 'operations')) {
    const effects = texts(operation, 'effects').map((effect) => visible(effect))
    call.say(`  operation: ${from(operation, 'name')} [${effects.join(', ')}]`)
    for (const object of records(operation, 'objects')) {
      const name = text(object, 'name')
      const homes = texts(object, 'livesIn').map((home) => visible(home))
      call.say(
        `    on ${name === undefined ? '' : `${quoted(name)} `}${from(object, 'id')}, lives in ${homes.join(', ') || '–'}`,
      )
    }
    call.say(`    arguments: ${exact(operation['arguments'])}`)
  }
  for (const fact of records(document, 'facts'))
    call.say(`  ${from(fact, 'label')}: ${from(fact, 'value')}`)
  call.say(
    `  agent: ${quoted(text(child(document, 'agent'), 'name') ?? '')} (${shown(item, 'agent')})`,
  )
  call.say(`  grant: ${shown(item, 'grant')}`)
  const before = child(item, 'asked_before')
  call.say(
    `  asked before: ${counts(before, 'request')}; the same operations: ${counts(before, 'operations')}`,
  )
  call.say(
    `  asked: ${shown(item, 'requested_at')}, to be decided until: ${shown(item, 'expires_at')}`,
  )
  call.say(`  undo window: ${shown(item, 'hold_seconds')} seconds`)
  for (const each of records(item, 'decisions'))
    call.say(
      `  decision: ${shown(each, 'decision')} by ${shown(each, 'approver')} at ${shown(each, 'at')} (${shown(each, 'proof')})`,
    )
  const reason = text(item, 'cancel_reason')
  if (reason !== undefined) call.say(`  cancelled: ${quoted(reason)}`)
  // Last, in quotes and on one line: nothing that an agent writes can pass for a line of ours.
  const words = text(item, 'words')
  if (words !== undefined)
    call.say(`  the agent's own words, which nobody checked: ${quoted(words)}`)
  if (text(item, 'state') === 'pending')
    call.say(`It is decided in a browser, with a passkey:  ${shown(item, 'url')}`)
}

/** Text of a document, which is as it came from outside. */
function from(shape: Shape, member: string): string {
  const value = text(shape, member)
  return value === undefined ? '–' : visible(value)
}

function exact(given: unknown): string {
  return visible(canonicalize((given ?? null) as Canonical), longestLine)
}

function counts(before: Shape, member: string): string {
  const counted = child(before, member)
  return `${shown(counted, 'asked')} times, refused ${shown(counted, 'refused')}`
}

export const approvalCommands: readonly Command[] = [
  command({
    name: 'approval list',
    summary: 'List the requests that wait for a person',
    options: askedOptions(approvalStates),
    json: true,
    examples: ['valetkey approval list', 'valetkey approval list --state held'],
    run: (call) =>
      sayAsked(call, {
        path: '/v1/approvals',
        states: approvalStates,
        none: 'There is none.',
        columns: [
          ['ID', (item) => shown(item, 'id')],
          ['STATE', (item) => shown(item, 'state')],
          ['DECIDE UNTIL', (item) => shown(item, 'expires_at')],
          ['WHAT', (item) => shown(item, 'sentence')],
        ],
        wide: ['WHAT', 300],
      }),
  }),
  command({
    name: 'approval show',
    summary: 'Show what waits for a person, or what became of it, and where it is decided',
    takes: ['id'],
    json: true,
    examples: [`valetkey approval show ${example}`],
    notes: ['It is decided in a browser, with a passkey: no command approves.'],
    async run(call) {
      const id = idGiven('approval', call.args.id, example)
      show(call, record(await (await call.signedIn()).get(`/v1/approvals/${id}`)))
    },
  }),
  command({
    name: 'approval cancel',
    summary: 'Stop a request that was not sent yet, also in its undo window',
    takes: ['id'],
    options: { reason: { type: 'string', value: '<text>', help: 'Why; it stands in the log' } },
    json: true,
    examples: [`valetkey approval cancel ${example} --reason 'the wrong volume'`],
    async run(call) {
      const id = idGiven('approval', call.args.id, example)
      const { reason } = call.options
      const client = await call.signedIn()
      const body = reason === undefined ? {} : { reason }
      show(call, record(await client.send('POST', `/v1/approvals/${id}/cancel`, body)))
    },
  }),
]
