/** Disable, enable and revoke: the same three commands for environments, agents, credentials and grants. */
import { idGiven, idOf } from './lookup.ts'
import { command, type Command } from './command.ts'
import type { Client } from './client.ts'

type Kind = 'environment' | 'agent' | 'credential' | 'grant'

export const exampleIds = {
  environment: 'acme/staging',
  agent: 'deploy-bot',
  credential: 'github-staging',
  grant: 'gr_01jxyz…',
} as const satisfies Record<Kind, string>

export function subjectOf(client: Client, kind: Kind, given: string): Promise<string> {
  return kind === 'grant'
    ? Promise.resolve(idGiven('grant', given, exampleIds.grant))
    : idOf(client, kind, given)
}

export function stateCommands(kind: Kind): Command[] {
  const named = kind === 'grant' ? 'id' : 'name'
  const article = kind === 'agent' || kind === 'environment' ? 'an' : 'a'
  const example = (act: string): string => `valetkey ${kind} ${act} ${exampleIds[kind]}`
  return [
    command({
      name: `${kind} disable`,
      summary: `Disable ${article} ${kind}, until it is enabled again; its capabilities stop at once`,
      takes: [named],
      examples: [example('disable')],
      async run(call) {
        const client = await call.signedIn()
        const id = await subjectOf(client, kind, call.args[named])
        await client.send('POST', `/v1/${kind}s/${id}/disable`, {})
        call.say(`${id} is disabled.`)
      },
    }),
    command({
      name: `${kind} enable`,
      summary: `Enable ${article} ${kind} that was disabled`,
      takes: [named],
      password: true,
      examples: [example('enable')],
      async run(call) {
        const client = await call.signedIn()
        const id = await subjectOf(client, kind, call.args[named])
        await client.send('POST', `/v1/${kind}s/${id}/enable`, { password: await call.password() })
        call.say(`${id} is enabled.`)
      },
    }),
    command({
      name: `${kind} revoke`,
      summary: `Revoke ${article} ${kind}, for ever; its capabilities stop at once`,
      takes: [named],
      examples: [example('revoke')],
      async run(call) {
        const client = await call.signedIn()
        const id = await subjectOf(client, kind, call.args[named])
        await client.send('POST', `/v1/${kind}s/${id}/revoke`, {})
        call.say(`${id} is revoked. That cannot be undone.`)
      },
    }),
  ]
}
