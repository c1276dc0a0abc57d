/** Native credentials that were handed out: which may still work, and ending them. */
import { child, record, shown, text, texts, type Shape } from './answer.ts'
import { command, type Command } from './command.ts'
import { idGiven, idOf, listAll, namesOf } from './lookup.ts'
import { readChoice } from './option-value.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'
import { Failure } from './failure.ts'
import type { Client } from './client.ts'

const example = 'ls_01jxyz…'
const states = [
  'open',
  'any',
  'minting',
  'live',
  'revoking',
  'could_not_revoke',
  'not_revocable',
  'revoked',
  'expired',
  'not_minted',
] as const

const unrevoked = (item: Shape): boolean => text(item, 'state') === 'could_not_revoke'

function show(call: Session, item: Shape): void {
  if (call.json) return call.sayJson(item, 2)
  call.say(`${shown(item, 'id')}, ${words(item)}: ${shown(item, 'detail')}`)
  const lines: readonly (readonly [string, string])[] = [
    ['for', text(item, 'purpose') === 'egress' ? 'the broker itself' : shown(item, 'agent')],
    ['grant', shown(item, 'grant')],
    ['environment', shown(item, 'environment')],
    ['provider', shown(item, 'provider')],
    ['credential', `${shown(item, 'credential')} (${shown(item, 'kind')})`],
    ['can', text(child(item, 'narrowing'), 'read_only') === 'true' ? 'read' : 'do everything'],
    ['asked', shown(item, 'asked_at')],
    ['ends', shown(item, 'expires_at')],
    // What is over does nothing any more, and what was never minted never did.
    ...(['revoked', 'expired', 'not_minted'].includes(shown(item, 'state'))
      ? []
      : [['stops by itself', text(item, 'works_until') ?? 'never, or not known'] as const]),
  ]
  for (const [title, value] of lines) call.say(`  ${title}: ${value}`)
  if (texts(item, 'actors').length > 0) call.say(`  through: ${texts(item, 'actors').join(', ')}`)
  const reason = text(item, 'end_reason')
  if (reason !== undefined)
    call.say(`  ended: ${text(item, 'ended_at') ?? ''} by ${shown(item, 'ended_by')}: ${reason}`)
  if (!unrevoked(item)) return
  call.say(
    `  failing since: ${shown(item, 'failing_since')}, ${shown(item, 'attempts')} attempts; next: ${text(item, 'next_try_at') ?? 'none'}`,
  )
  call.say(`  last error: ${shown(item, 'last_error')}`)
}

/** What must not be overlooked in a list. */
function words(item: Shape): string {
  return unrevoked(item) ? 'COULD NOT REVOKE' : shown(item, 'state')
}

async function sayList(call: Session, client: Client, items: readonly Shape[]): Promise<void> {
  if (items.length === 0) return call.say('There is none.')
  const names = async (kind: 'agent' | 'environment') =>
    namesOf(client, kind).catch((error: unknown) => {
      if (error instanceof Failure && error.code === 'forbidden') return new Map<string, string>()
      throw error
    })
  const agents = await names('agent')
  const environments = await names('environment')
  const named = (known: ReadonlyMap<string, string>, id: string): string => known.get(id) ?? id
  const columns = ['ID', 'STATE', 'AGENT', 'ENVIRONMENT', 'PROVIDER', 'ENDS', 'WHAT'].map(
    (title) => ({ title, most: title === 'WHAT' ? 300 : 40 }),
  )
  // What could not be revoked stands first.
  const sorted = [...items].sort((a, b) => Number(unrevoked(b)) - Number(unrevoked(a)))
  const rows = sorted.map((item) => [
    shown(item, 'id'),
    words(item),
    text(item, 'purpose') === 'egress' ? 'the broker' : named(agents, shown(item, 'agent')),
    named(environments, shown(item, 'environment')),
    shown(item, 'provider'),
    shown(item, 'expires_at'),
    unrevoked(item)
      ? `${shown(item, 'detail')}: ${shown(item, 'last_error')}`
      : shown(item, 'detail'),
  ])
  for (const line of table(columns, rows)) call.say(line)
}

export const leaseCommands: readonly Command[] = [
  command({
    name: 'lease list',
    summary: 'List native credentials that may still work, what could not be revoked first',
    options: {
      state: {
        type: 'string',
        value: '<state>',
        help: `${states.join(', ')}; open by default: whatever may still work`,
      },
      agent: { type: 'string', value: '<agent>', help: 'Only this agent’s' },
      environment: { type: 'string', value: '<name>', help: 'Only in this environment' },
    },
    json: true,
    examples: ['valetkey lease list', 'valetkey lease list --state could_not_revoke'],
    async run(call) {
      const { agent, environment } = call.options
      const state = readChoice('--state', call.options.state, states)
      const client = await call.signedIn()
      const items = await listAll(client, '/v1/leases', {
        state,
        agent: agent === undefined ? undefined : await idOf(client, 'agent', agent),
        environment:
          environment === undefined ? undefined : await idOf(client, 'environment', environment),
      })
      if (call.json) return call.sayJson({ items }, 2)
      await sayList(call, client, items)
    },
  }),
  command({
    name: 'lease show',
    summary: 'Show a native credential that was handed out, and what became of it',
    takes: ['id'],
    json: true,
    examples: [`valetkey lease show ${example}`],
    async run(call) {
      const id = idGiven('lease', call.args.id, example)
      show(call, record(await (await call.signedIn()).get(`/v1/leases/${id}`)))
    },
  }),
  command({
    name: 'lease revoke',
    summary: 'End a native credential at its provider, or try again at once',
    takes: ['id'],
    json: true,
    examples: [`valetkey lease revoke ${example}`],
    async run(call) {
      const id = idGiven('lease', call.args.id, example)
      const client = await call.signedIn()
      show(call, record(await client.send('POST', `/v1/leases/${id}/revoke`, {})))
    },
  }),
  command({
    name: 'lease close',
    summary: 'Say that what could not be revoked was ended at the provider by hand',
    takes: ['id'],
    json: true,
    password: true,
    examples: [`valetkey lease close ${example}`],
    async run(call) {
      const id = idGiven('lease', call.args.id, example)
      const client = await call.signedIn()
      const body = { password: await call.password() }
      show(call, record(await client.send('POST', `/v1/leases/${id}/close`, body)))
    },
  }),
]
