/** Operators: the people who administer, approve and audit. */
import { child, record, shown, text, texts } from './answer.ts'
import { command, type Command } from './command.ts'
import { usage } from './failure.ts'
import { idOf, listAll } from './lookup.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'

const roles = ['admin', 'approver', 'auditor'] as const

const byTouch =
  'An admin who has a passkey does this in a browser, at /operators, with a touch of it; only an auditor is added without.'

function sayInvitation(call: Session, answer: unknown): void {
  const invitation = record(answer)
  const operator = child(invitation, 'operator')
  call.say('Setup secret, shown this once and good for a day. Give it to them, and nobody else:')
  call.say('')
  call.say(`    ${shown(invitation, 'setup_secret')}`)
  call.say('')
  call.say(`They set their password with:  valetkey setup --name ${shown(operator, 'name')}`)
}

function setState(
  act: 'disable' | 'enable',
  state: 'disabled' | 'active',
  summary: string,
): Command {
  return command({
    name: `operator ${act}`,
    summary,
    takes: ['name'],
    password: true,
    examples: [`valetkey operator ${act} sam`],
    notes: [byTouch],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'operator', call.args.name)
      const password = await call.password()
      const answer = record(await client.send('PATCH', `/v1/operators/${id}`, { state, password }))
      call.say(`${shown(answer, 'name')} (${id}) is ${shown(answer, 'state')}.`)
    },
  })
}

export const operatorCommands: readonly Command[] = [
  command({
    name: 'operator add',
    summary: 'Add an operator: a person who administers, approves or audits',
    takes: ['name'],
    options: {
      role: { type: 'string', multiple: true, value: roles.join('|'), help: 'What they may do' },
    },
    json: true,
    password: true,
    examples: ['valetkey operator add sam --role auditor'],
    notes: [byTouch],
    async run(call) {
      const asked = call.options.role
      if (asked.length === 0 || asked.some((role) => !(roles as readonly string[]).includes(role)))
        throw usage(`--role must be given, and be one of ${roles.join(', ')}.`)
      const client = await call.signedIn()
      const password = await call.password()
      const answer = await client.send('POST', '/v1/operators', {
        name: call.args.name,
        roles: asked,
        password,
      })
      if (call.json) return call.sayJson(answer, 2)
      const operator = child(record(answer), 'operator')
      call.say(
        `Added ${shown(operator, 'name')} (${shown(operator, 'id')}): ${texts(operator, 'roles').join(', ')}.`,
      )
      sayInvitation(call, answer)
    },
  }),
  command({
    name: 'operator list',
    summary: 'List operators',
    json: true,
    examples: ['valetkey operator list'],
    async run(call) {
      const items = await listAll(await call.signedIn(), '/v1/operators')
      if (call.json) return call.sayJson({ items }, 2)
      const rows = items.map((item) => [
        shown(item, 'name'),
        shown(item, 'id'),
        texts(item, 'roles').join(', '),
        text(item, 'ready') === 'false'
          ? `${shown(item, 'state')}, no password yet`
          : shown(item, 'state'),
        text(child(item, 'identity'), 'subject') ?? 'a password',
      ])
      const columns = ['NAME', 'ID', 'ROLES', 'STATE', 'SIGNS IN AS'].map((title) => ({
        title,
        most: 60,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'operator reset',
    summary: 'Take away an operator’s password and make a new setup secret',
    takes: ['name'],
    json: true,
    password: true,
    examples: ['valetkey operator reset sam'],
    notes: [byTouch],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'operator', call.args.name)
      const password = await call.password()
      const answer = await client.send('POST', `/v1/operators/${id}/reset`, { password })
      if (call.json) return call.sayJson(answer, 2)
      call.say(`The password of ${call.args.name} no longer works.`)
      sayInvitation(call, answer)
    },
  }),
  command({
    name: 'operator tie',
    summary: 'Let an operator sign in at the identity provider, and no longer with a password',
    takes: ['name'],
    options: {
      issuer: { type: 'string', required: true, value: '<url>', help: 'Of the identity provider' },
      subject: { type: 'string', required: true, value: '<sub>', help: 'Who they are there' },
    },
    password: true,
    examples: ['valetkey operator tie sam --issuer https://id.example.com --subject 00u1a2b3c4'],
    notes: [byTouch, 'Their roles are those of their groups from then on.'],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'operator', call.args.name)
      const { issuer, subject } = call.options
      const password = await call.password()
      await client.send('POST', `/v1/operators/${id}/identity`, { issuer, subject, password })
      call.say(`${call.args.name} (${id}) signs in at ${issuer} from now on.`)
    },
  }),
  setState('disable', 'disabled', 'Disable an operator; their sign-ins end at once'),
  setState('enable', 'active', 'Enable an operator who was disabled'),
]
