/** A provider’s catalogue, to find the verbs of a grant in. */
import { record, records, shown, text, texts } from './answer.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { readChoice } from './option-value.ts'
import { table } from './table.ts'

const effects = ['read', 'write', 'destructive', 'secret', 'admin'] as const

export const operations = command({
  name: 'operations',
  summary: 'List the operations of a provider, with their effects',
  takes: ['provider'],
  options: {
    effect: { type: 'string', value: effects.join('|'), help: 'Only those with this effect' },
    match: { type: 'string', value: '<text>', help: 'Only those whose name contains this' },
  },
  json: true,
  examples: [
    'valetkey operations railway',
    'valetkey operations github --effect destructive --match repos/',
  ],
  async run(call) {
    const { provider } = call.args
    if (!/^[a-z0-9-]{1,40}$/.test(provider))
      throw usage('A provider’s name has small letters, digits and dashes: github, railway.')
    const effect = readChoice('--effect', call.options.effect, effects)
    const { match } = call.options
    const answer = record(await (await call.signedIn()).get(`/v1/providers/${provider}/operations`))
    const items = records(answer, 'items').filter(
      (item) =>
        (effect === undefined || texts(item, 'effects').includes(effect)) &&
        (match === undefined || shown(item, 'name').toLowerCase().includes(match.toLowerCase())),
    )
    if (call.json) return call.sayJson({ items }, 2)
    const rows = items.map((item) => [
      shown(item, 'name'),
      texts(item, 'effects').join(' '),
      shown(item, 'scope'),
      text(item, 'denied') === 'true' ? 'denied to everyone: not reviewed' : '',
    ])
    const columns = ['OPERATION', 'EFFECTS', 'SCOPE', ''].map((title) => ({ title, most: 80 }))
    for (const line of table(columns, rows)) call.say(line)
  },
})
