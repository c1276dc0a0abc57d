/** Freezes: the emergency brake, which asks for a reason and not for a password. */
import { record, shown, text, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { idGiven, idOf, listAll } from './lookup.ts'
import { readChoice } from './option-value.ts'
import { table } from './table.ts'

const scopes = ['everything', 'provider', 'environment', 'agent'] as const
type Scope = (typeof scopes)[number]

async function subjectOf(
  client: Client,
  scope: Scope,
  given: string | undefined,
): Promise<string | undefined> {
  switch (scope) {
    case 'everything':
      return undefined
    case 'provider':
      return given
    case 'environment':
    case 'agent':
      return given === undefined ? undefined : idOf(client, scope, given)
  }
}

export const freeze = command({
  name: 'freeze',
  summary: 'Stop an agent, an environment, a provider or everything, now and on every replica',
  takes: ['scope'],
  mayTake: ['subject'],
  options: {
    reason: {
      type: 'string',
      required: true,
      value: '<text>',
      help: 'Why; it stands in the audit log',
    },
  },
  json: true,
  examples: [
    "valetkey freeze everything --reason 'volume deleted, looking into it'",
    "valetkey freeze agent deploy-bot --reason 'key leaked'",
    "valetkey freeze environment acme/staging --reason 'migration'",
    "valetkey freeze provider railway --reason 'incident at the provider'",
  ],
  async run(call) {
    const scope = readChoice('What to freeze', call.args.scope, scopes) ?? 'everything'
    const { subject: given } = call.args
    if (scope === 'everything' && given !== undefined)
      throw usage(
        'Everything is frozen without naming more. To freeze less, say provider, environment or agent.',
      )
    if (scope !== 'everything' && given === undefined) throw usage(`Say which ${scope} to freeze.`)
    const client = await call.signedIn()
    const subject = await subjectOf(client, scope, given)
    const answer = await client.send('POST', '/v1/freezes', {
      scope,
      ...(subject === undefined ? {} : { subject }),
      reason: call.options.reason,
    })
    if (call.json) return call.sayJson(answer, 2)
    const id = shown(record(answer), 'id')
    call.say(`Frozen: ${scope}${given === undefined ? '' : ` ${given}`} (${id}).`)
    call.say(`To lift it:  valetkey unfreeze ${id}`)
  },
})

export const unfreeze = command({
  name: 'unfreeze',
  summary: 'Lift a freeze',
  takes: ['id'],
  password: true,
  examples: ['valetkey unfreeze fz_01jxyz…'],
  async run(call) {
    const id = idGiven('freeze', call.args.id, 'fz_01jxyz…')
    const client = await call.signedIn()
    await client.send('POST', `/v1/freezes/${id}/lift`, { password: await call.password() })
    call.say(`${id} is lifted.`)
  },
})

export const freezes = command({
  name: 'freezes',
  summary: 'List what is frozen',
  options: { all: { type: 'boolean', help: 'The lifted ones too' } },
  json: true,
  examples: ['valetkey freezes', 'valetkey freezes --all'],
  async run(call) {
    const found = await listAll(await call.signedIn(), '/v1/freezes')
    const items = found.filter((item) => call.options.all || !isLifted(item))
    if (call.json) return call.sayJson({ items }, 2)
    if (items.length === 0) return call.say('Nothing is frozen.')
    const rows = items.map((item) => [
      shown(item, 'id'),
      shown(item, 'scope'),
      shown(item, 'subject'),
      shown(item, 'created_at'),
      isLifted(item) ? `lifted ${shown(item, 'lifted_at')}` : 'in force',
      shown(item, 'reason'),
    ])
    const columns = ['ID', 'SCOPE', 'SUBJECT', 'SINCE', 'STATE', 'REASON'].map((title) => ({
      title,
      most: title === 'REASON' ? 200 : 40,
    }))
    for (const line of table(columns, rows)) call.say(line)
  },
})

function isLifted(item: Shape): boolean {
  return text(item, 'lifted_at') !== undefined
}
