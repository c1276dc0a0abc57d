/** Agents and their keys. A key is printed in the answer that made it, and nowhere else. */
import { agentKeyCommands, publicKeyOption } from './agent-key.ts'
import { child, record, shown } from './answer.ts'
import { command, type Command } from './command.ts'
import { idOf, listAll } from './lookup.ts'
import { readSeconds } from './option-value.ts'
import { readPublicKeyFile } from './public-key-file.ts'
import type { Session } from './session.ts'
import { stateCommands } from './state-commands.ts'
import { table } from './table.ts'

function sayKey(call: Session, answer: unknown, id: string): void {
  call.say('Its key, shown this once:')
  call.say('')
  call.say(`    ${shown(record(answer), 'key')}`)
  call.say('')
  call.say(`With it, the agent takes capabilities:  valetkey token --agent ${id}`)
}

export const agentCommands: readonly Command[] = [
  command({
    name: 'agent add',
    summary: 'Add an agent; its key is shown this once, unless it signs with its own',
    takes: ['name'],
    options: {
      owner: { type: 'string', value: '<operator>', help: 'Who answers for it; you, by default' },
      'public-key': publicKeyOption,
    },
    json: true,
    examples: [
      'valetkey agent add deploy-bot',
      'valetkey agent add deploy-bot --public-key agent.pub.pem',
    ],
    async run(call) {
      const { owner, 'public-key': file } = call.options
      const jwk = file === undefined ? undefined : await readPublicKeyFile('--public-key', file)
      const client = await call.signedIn()
      const answer = await client.send('POST', '/v1/agents', {
        name: call.args.name,
        ...(owner === undefined ? {} : { owner: await idOf(client, 'operator', owner) }),
        ...(jwk === undefined ? {} : { public_key: jwk }),
      })
      if (call.json) return call.sayJson(answer, 2)
      const agent = child(record(answer), 'agent')
      call.say(`Added ${shown(agent, 'name')} (${shown(agent, 'id')}).`)
      if (jwk === undefined) return sayKey(call, answer, shown(agent, 'id'))
      call.say('It signs with its own key: no secret of it is known here.')
    },
  }),
  command({
    name: 'agent list',
    summary: 'List agents',
    json: true,
    examples: ['valetkey agent list'],
    async run(call) {
      const items = await listAll(await call.signedIn(), '/v1/agents')
      if (call.json) return call.sayJson({ items }, 2)
      const rows = items.map((item) =>
        ['name', 'id', 'state', 'owner', 'created_at'].map((member) => shown(item, member)),
      )
      const columns = ['NAME', 'ID', 'STATE', 'OWNER', 'CREATED'].map((title) => ({
        title,
        most: 60,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'agent show',
    summary: 'Show an agent',
    takes: ['name'],
    json: true,
    examples: ['valetkey agent show deploy-bot'],
    async run(call) {
      const client = await call.signedIn()
      const answer = await client.get(`/v1/agents/${await idOf(client, 'agent', call.args.name)}`)
      if (call.json) return call.sayJson(answer, 2)
      const agent = record(answer)
      call.say(`${shown(agent, 'name')} (${shown(agent, 'id')})`)
      for (const member of ['state', 'owner', 'created_at'])
        call.say(`  ${member}: ${shown(agent, member)}`)
    },
  }),
  command({
    name: 'agent rotate-key',
    summary: 'Make a new key; the old ones work on for the overlap',
    takes: ['name'],
    options: {
      overlap: {
        type: 'string',
        value: '<time>',
        help: 'How long the old keys still work; 1h by default, 0 ends them now',
      },
    },
    json: true,
    examples: ['valetkey agent rotate-key deploy-bot --overlap 15m'],
    async run(call) {
      const { overlap } = call.options
      const seconds = overlap === undefined ? undefined : readSeconds('--overlap', overlap)
      const client = await call.signedIn()
      const id = await idOf(client, 'agent', call.args.name)
      const answer = await client.send(
        'POST',
        `/v1/agents/${id}/keys`,
        seconds === undefined ? {} : { overlap_seconds: seconds },
      )
      if (call.json) return call.sayJson(answer, 2)
      sayKey(call, answer, id)
    },
  }),
  ...agentKeyCommands,
  ...stateCommands('agent'),
]
