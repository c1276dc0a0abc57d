/** Passkeys, as far as a terminal goes: to see them and to remove them. They are made in a browser. */
import { record, records, shown, text } from './answer.ts'
import { command, type Command } from './command.ts'
import { idGiven, idOf } from './lookup.ts'
import { table } from './table.ts'

export const passkeyCommands: readonly Command[] = [
  command({
    name: 'passkey list',
    summary: 'List your passkeys, or those of another operator',
    options: {
      operator: { type: 'string', value: '<name>', help: 'Whose; for admins and auditors' },
    },
    json: true,
    examples: ['valetkey passkey list', 'valetkey passkey list --operator sam'],
    async run(call) {
      const client = await call.signedIn()
      const { operator: name } = call.options
      const operator = name === undefined ? undefined : await idOf(client, 'operator', name)
      const answer = record(await client.get('/v1/passkeys', { operator }))
      if (call.json) return call.sayJson(answer, 2)
      const items = records(answer, 'items')
      if (items.length === 0) return call.say('There are none. They are registered in a browser.')
      const rows = items.map((item) => [
        shown(item, 'name'),
        shown(item, 'id'),
        shown(item, 'algorithm'),
        text(item, 'synced') === 'true' ? 'synced' : 'one device',
        shown(item, 'created_at'),
        text(item, 'last_used_at') ?? 'never',
        shown(item, 'fingerprint'),
      ])
      const titles = ['NAME', 'ID', 'KEY', 'KEPT', 'REGISTERED', 'LAST USED', 'FINGERPRINT']
      const columns = titles.map((title) => ({ title, most: 64 }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'passkey remove',
    summary: 'Remove a passkey of another operator, while no admin has one',
    takes: ['id'],
    json: true,
    password: true,
    examples: ['valetkey passkey remove pk_0q2n8x4t9k000000000000000a'],
    notes: [
      'Whoever has a passkey removes in a browser, with a touch of it; so do admins once one of them has.',
    ],
    async run(call) {
      const client = await call.signedIn()
      const id = idGiven('passkey', call.args.id, 'pk_0q2n8x4t9k000000000000000a')
      const password = await call.password()
      const answer = record(await client.send('POST', `/v1/passkeys/${id}/remove`, { password }))
      if (call.json) return call.sayJson(answer, 2)
      call.say(`${id} is removed.`)
      if (text(answer, 'approvers_left') === '0')
        call.say('WARNING: no active approver has a passkey any more: nobody can approve with one.')
    },
  }),
  command({
    name: 'passkey allow',
    summary: 'Allow another operator to register their first passkey, within a day',
    takes: ['operator'],
    json: true,
    password: true,
    examples: ['valetkey passkey allow sam'],
    notes: ['Once an admin has a passkey, this is done in a browser, with a touch of it.'],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'operator', call.args.operator)
      const password = await call.password()
      const path = `/v1/operators/${id}/allow-passkey`
      const answer = record(await client.send('POST', path, { password }))
      if (call.json) return call.sayJson(answer, 2)
      call.say(`${call.args.operator} may register a passkey until ${shown(answer, 'until')}.`)
    },
  }),
]
