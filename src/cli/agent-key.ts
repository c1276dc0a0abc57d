/** The public keys that agents sign with. Their private halves stay with the agents. */
import { record, records, shown, text, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { command, type Command } from './command.ts'
import { Failure } from './failure.ts'
import { idOf } from './lookup.ts'
import { readPublicKeyFile } from './public-key-file.ts'
import { table } from './table.ts'

export const publicKeyOption = {
  type: 'string',
  value: '<file>',
  help: 'Its public key, as a JWK or as PEM: Ed25519, P-256 or RSA',
} as const

async function keysOf(client: Client, agent: string): Promise<readonly Shape[]> {
  return records(record(await client.get(`/v1/agents/${agent}/public-keys`)), 'items')
}

export const agentKeyCommands: readonly Command[] = [
  command({
    name: 'agent key list',
    summary: 'List the public keys of an agent',
    takes: ['name'],
    json: true,
    examples: ['valetkey agent key list deploy-bot'],
    async run(call) {
      const client = await call.signedIn()
      const items = await keysOf(client, await idOf(client, 'agent', call.args.name))
      if (call.json) return call.sayJson({ items }, 2)
      if (items.length === 0)
        return call.say('It has none: it shows the key that it shares with the broker.')
      const rows = items.map((item) =>
        ['kid', 'id', 'algorithm', 'thumbprint', 'created_at'].map((member) => shown(item, member)),
      )
      const columns = ['KID', 'ID', 'ALGORITHM', 'THUMBPRINT', 'ADDED'].map((title) => ({
        title,
        most: 64,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'agent key add',
    summary: 'Register a public key: whoever holds its private half is this agent',
    takes: ['name'],
    options: { 'public-key': { ...publicKeyOption, required: true } },
    json: true,
    examples: [
      'valetkey agent key add deploy-bot --public-key agent.pub.pem',
      'valetkey agent key add deploy-bot --public-key agent.pub.json',
    ],
    async run(call) {
      const jwk = await readPublicKeyFile('--public-key', call.options['public-key'])
      const client = await call.signedIn()
      const id = await idOf(client, 'agent', call.args.name)
      const answer = record(await client.send('POST', `/v1/agents/${id}/public-keys`, { jwk }))
      if (call.json) return call.sayJson(answer, 2)
      call.say(
        `Added ${shown(answer, 'kid')} (${shown(answer, 'id')}), ${shown(answer, 'algorithm')}.`,
      )
      call.say(
        `A key that it shares with the broker works on:  valetkey agent key end-shared ${id}`,
      )
    },
  }),
  command({
    name: 'agent key remove',
    summary: 'Remove a public key of an agent: nothing that it signed is accepted any more',
    takes: ['name', 'key'],
    examples: ['valetkey agent key remove deploy-bot laptop-2026'],
    notes: ['The key is named by its kid, its thumbprint or its id, apk_….'],
    async run(call) {
      const client = await call.signedIn()
      const agent = await idOf(client, 'agent', call.args.name)
      const found = (await keysOf(client, agent)).find((item) =>
        ['kid', 'id', 'thumbprint'].some((member) => text(item, member) === call.args.key),
      )
      const id = found === undefined ? undefined : text(found, 'id')
      if (id === undefined) {
        throw new Failure(1, 'This agent has no such key.', {
          code: 'not_found',
          notes: [`See which it has:  valetkey agent key list ${agent}`],
        })
      }
      await client.send('POST', `/v1/agents/${agent}/public-keys/${id}/remove`, {})
      call.say(`${id} is removed. Capabilities that were issued for it live on until they expire.`)
    },
  }),
  command({
    name: 'agent key end-shared',
    summary: 'End the keys that are shared with an agent; its public keys stay',
    takes: ['name'],
    examples: ['valetkey agent key end-shared deploy-bot'],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'agent', call.args.name)
      await client.send('POST', `/v1/agents/${id}/keys/end`, {})
      call.say(`${id} shares no key with the broker any more.`)
    },
  }),
]
