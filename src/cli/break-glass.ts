/** Break-glass, as far as a terminal goes: to ask, to see and to end. Another admin confirms it in a browser. */
import { record, shown, text, type Shape } from './answer.ts'
import { command, type Command } from './command.ts'
import { usage } from './failure.ts'
import { idGiven, idOf, listAll } from './lookup.ts'
import { readWhole } from './option-value.ts'
import { table } from './table.ts'

const example = 'bg_01jxyz…'

export const breakGlassCommands: readonly Command[] = [
  command({
    name: 'break-glass ask',
    summary: 'Ask that a grant or an environment does without approvals for a while',
    options: {
      grant: { type: 'string', value: '<id>', help: 'For this grant alone' },
      environment: { type: 'string', value: '<name>', help: 'For every grant in it' },
      reason: {
        type: 'string',
        required: true,
        value: '<text>',
        help: 'Why; it stands in the audit log',
      },
      minutes: { type: 'string', value: '<number>', help: '1 to 30; 30 by default' },
    },
    json: true,
    password: true,
    examples: [
      "valetkey break-glass ask --grant gr_01jxyz… --minutes 10 --reason 'database is down'",
      "valetkey break-glass ask --environment acme/production --reason 'approvers unreachable'",
    ],
    notes: ['Nothing happens until another admin confirms it, in a browser, within 15 minutes.'],
    async run(call) {
      const { grant, environment, reason, minutes: given } = call.options
      if ((grant === undefined) === (environment === undefined))
        throw usage('Say which: --grant or --environment, one of them.')
      const minutes = given === undefined ? undefined : readWhole('--minutes', given)
      if (minutes !== undefined && (minutes < 1 || minutes > 30))
        throw usage('--minutes must be from 1 to 30.')
      const client = await call.signedIn()
      const subject =
        environment === undefined
          ? { grant: idGiven('grant', grant ?? '', 'gr_01jxyz…') }
          : { environment: await idOf(client, 'environment', environment) }
      const answer = record(
        await client.send('POST', '/v1/break-glass', {
          ...subject,
          reason,
          ...(minutes === undefined ? {} : { minutes }),
          password: await call.password(),
        }),
      )
      if (call.json) return call.sayJson(answer, 2)
      const id = shown(answer, 'id')
      call.say(`Asked for: ${id}. Nothing has changed yet.`)
      call.say(
        `Another admin must confirm it in a browser before ${shown(answer, 'confirm_until')}; it then lasts ${shown(answer, 'minutes')} minutes.`,
      )
      call.say(`To take it back, or end it:  valetkey break-glass end ${id}`)
    },
  }),
  command({
    name: 'break-glass list',
    summary: 'List what is asked for and in force',
    options: { all: { type: 'boolean', help: 'What is over, too' } },
    json: true,
    examples: ['valetkey break-glass list', 'valetkey break-glass list --all'],
    async run(call) {
      const found = await listAll(await call.signedIn(), '/v1/break-glass')
      const items = found.filter((item) => call.options.all || isOpen(item))
      if (call.json) return call.sayJson({ items }, 2)
      if (items.length === 0) return call.say('No glass is broken, and none is asked to be.')
      const rows = items.map((item) => [
        shown(item, 'id'),
        stateText(item),
        text(item, 'grant') ?? `all of ${shown(item, 'environment')}`,
        shown(item, 'asked_by'),
        text(item, 'confirmed_by') ?? 'nobody',
        shown(item, 'reason'),
      ])
      const columns = ['ID', 'STATE', 'FOR', 'ASKED BY', 'CONFIRMED BY', 'REASON'].map((title) => ({
        title,
        most: title === 'REASON' ? 200 : 44,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'break-glass end',
    summary: 'End a break-glass now, on every replica',
    takes: ['id'],
    json: true,
    examples: [`valetkey break-glass end ${example}`],
    async run(call) {
      const id = idGiven('breakGlass', call.args.id, example)
      const client = await call.signedIn()
      const answer = record(await client.send('POST', `/v1/break-glass/${id}/end`, {}))
      if (call.json) return call.sayJson(answer, 2)
      call.say(`${id} is ended.`)
    },
  }),
]

function isOpen(item: Shape): boolean {
  return ['asked', 'in_force'].includes(text(item, 'state') ?? '')
}

function stateText(item: Shape): string {
  return text(item, 'state') === 'in_force'
    ? `IN FORCE until ${shown(item, 'ends_at')}`
    : shown(item, 'state')
}
