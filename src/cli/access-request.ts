/** What agents asked for, and the answers. */
import { child, record, records, shown, text, texts, type Shape } from './answer.ts'
import { asApprover } from './approver.ts'
import { command, type Command } from './command.ts'
import { idGiven, idOf, listAll } from './lookup.ts'
import { readChoice, readSeconds } from './option-value.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'

const example = 'acc_01jxyz…'
const states = ['pending', 'granted', 'denied', 'expired'] as const

function verbsOf(item: Shape): string {
  return records(item, 'verbs')
    .map((verb) => shown(verb, 'verb'))
    .join(' ')
}

function show(call: Session, item: Shape): void {
  if (call.json) return call.sayJson(item, 2)
  call.say(`${shown(item, 'id')}, ${shown(item, 'state')}`)
  for (const member of ['agent', 'environment', 'provider'])
    call.say(`  ${member}: ${shown(item, member)}`)
  call.say(`  asked under: ${shown(item, 'grant')}`)
  for (const verb of records(item, 'verbs')) {
    const only = text(verb, 'only_admins') === 'true' ? ', only an admin gives it' : ''
    const effects = texts(verb, 'effects').join(', ')
    call.say(
      `  verb: ${shown(verb, 'verb')} [${effects === '' ? 'not there any more' : effects}]${only}`,
    )
  }
  call.say(`  for: ${shown(item, 'duration_seconds')} seconds`)
  call.say(`  asked: ${shown(item, 'requested_at')}, times: ${shown(item, 'times')}`)
  call.say(`  denied before: ${text(item, 'denied_before') ?? '0'}`)
  const filedBy = text(item, 'filed_by')
  if (filedBy !== undefined) call.say(`  asked on its behalf by: ${filedBy}`)
  if (text(item, 'state') === 'pending')
    call.say(`  no answer is a no at: ${shown(item, 'expires_at')}`)
  const granted = child(item, 'granted')
  if (text(granted, 'grant') !== undefined) {
    call.say(
      `  granted: ${texts(granted, 'verbs').join(' ')} until ${shown(granted, 'expires_at')} (${shown(granted, 'grant')})`,
    )
  }
  // Last, in quotes and on one line: nothing that an agent writes can pass for a line of ours.
  const words = text(item, 'words')
  if (words !== undefined)
    call.say(`  its own words, which nobody checked: ${JSON.stringify(words)}`)
}

export const accessCommands: readonly Command[] = [
  command({
    name: 'access list',
    summary: 'List what agents asked for, those that wait for an answer',
    options: {
      state: { type: 'string', value: states.join('|'), help: 'Those in another state' },
      all: { type: 'boolean', help: 'Whatever their state' },
      agent: { type: 'string', value: '<agent>', help: 'Only this agent’s' },
      environment: { type: 'string', value: '<name>', help: 'Only in this environment' },
    },
    json: true,
    examples: ['valetkey access list', 'valetkey access list --state granted --agent deploy-bot'],
    async run(call) {
      const { agent, environment, all } = call.options
      const state = readChoice('--state', call.options.state, states)
      const client = await call.signedIn()
      const items = await listAll(client, '/v1/access-requests', {
        state: state ?? (all ? undefined : 'pending'),
        agent: agent === undefined ? undefined : await idOf(client, 'agent', agent),
        environment:
          environment === undefined ? undefined : await idOf(client, 'environment', environment),
      })
      if (call.json) return call.sayJson({ items }, 2)
      if (items.length === 0) return call.say('Nothing was asked for.')
      const rows = items.map((item) => [
        shown(item, 'id'),
        shown(item, 'agent'),
        shown(item, 'environment'),
        shown(item, 'state'),
        `${shown(item, 'duration_seconds')}s`,
        verbsOf(item),
      ])
      const columns = ['ID', 'AGENT', 'ENVIRONMENT', 'STATE', 'FOR', 'VERBS'].map((title) => ({
        title,
        most: title === 'VERBS' ? 100 : 40,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'access show',
    summary: 'Show what an agent asked for',
    takes: ['id'],
    json: true,
    examples: [`valetkey access show ${example}`],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      show(call, record(await (await call.signedIn()).get(`/v1/access-requests/${id}`)))
    },
  }),
  command({
    name: 'access grant',
    summary: 'Grant what was asked for, or less, for a time',
    takes: ['id'],
    options: {
      verb: {
        type: 'string',
        multiple: true,
        value: '<verb>',
        help: 'Only these; all that was asked for by default',
      },
      for: { type: 'string', value: '<time>', help: 'A shorter time than was asked for: 30m' },
    },
    json: true,
    examples: [
      `valetkey access grant ${example}`,
      `valetkey access grant ${example} --verb volumeCreate --for 30m`,
    ],
    notes: ['The password is typed: neither the stored sign-in nor a file grants anything.'],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      const { verb, for: time } = call.options
      const seconds = time === undefined ? undefined : readSeconds('--for', time)
      const item = await asApprover(call, (approver) =>
        approver.post(`/v1/access-requests/${id}/grant`, {
          ...(verb.length === 0 ? {} : { verbs: verb }),
          ...(seconds === undefined ? {} : { duration_seconds: seconds }),
          password: approver.password,
        }),
      )
      show(call, item)
    },
  }),
  command({
    name: 'access deny',
    summary: 'Deny what was asked for; none of it can be asked again for ten minutes',
    takes: ['id'],
    json: true,
    examples: [`valetkey access deny ${example}`],
    notes: ['The password is typed: the stored sign-in answers nothing.'],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      show(
        call,
        await asApprover(call, (approver) => approver.post(`/v1/access-requests/${id}/deny`, {})),
      )
    },
  }),
]
