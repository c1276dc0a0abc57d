/** Environments. Binding is said as a difference, so that nobody drops a binding by forgetting to repeat it. */
import { record, records, shown, text, texts, type Shape } from './answer.ts'
import { command, type Command } from './command.ts'
import { usage } from './failure.ts'
import { idOf, listAll } from './lookup.ts'
import type { Session } from './session.ts'
import { stateCommands } from './state-commands.ts'
import { table } from './table.ts'

export type Binding = { readonly provider: string; readonly kind: string; readonly id: string }

const bindingForm = '<provider>:<kind>:<id>'

/** `github:repository:acme/app`. An id may hold further colons. */
export function readBinding(flag: string, given: string): Binding {
  const [provider = '', kind = '', ...rest] = given.split(':')
  const id = rest.join(':')
  if (provider === '' || kind === '' || id === '')
    throw usage(`${flag} must look like ${bindingForm}, such as github:repository:acme/app`)
  return { provider, kind, id }
}

function bindingText(binding: Shape | Binding): string {
  const shape: Shape = binding
  return `${shown(shape, 'provider')}:${shown(shape, 'kind')}:${shown(shape, 'id')}`
}

const bind = {
  type: 'string',
  multiple: true,
  value: bindingForm,
  help: 'What belongs to it, by the provider’s own id',
} as const

function show(call: Session, answer: unknown): void {
  if (call.json) return call.sayJson(answer, 2)
  const environment = record(answer)
  call.say(`${shown(environment, 'name')} (${shown(environment, 'id')})`)
  call.say(
    `  state: ${shown(environment, 'state')}${text(environment, 'protected') === 'true' ? ', protected' : ''}`,
  )
  call.say(`  owners: ${texts(environment, 'owners').join(', ') || 'none'}`)
  const bindings = records(environment, 'bindings')
  if (bindings.length === 0) call.say('  bound to nothing: no operation can touch it yet')
  for (const binding of bindings) call.say(`  bound to ${bindingText(binding)}`)
}

function setProtected(act: 'protect' | 'unprotect', summary: string): Command {
  return command({
    name: `environment ${act}`,
    summary,
    takes: ['name'],
    json: true,
    ...(act === 'unprotect' ? { password: true as const } : {}),
    examples: [`valetkey environment ${act} acme/production`],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'environment', call.args.name)
      const body =
        act === 'protect'
          ? { protected: true }
          : { protected: false, password: await call.password() }
      show(call, await client.send('PATCH', `/v1/environments/${id}`, body))
    },
  })
}

export const environmentCommands: readonly Command[] = [
  command({
    name: 'environment add',
    summary: 'Name a blast radius, and say what belongs to it',
    takes: ['name'],
    options: {
      bind,
      protected: { type: 'boolean', help: 'Destructive operations in it always wait for a person' },
      owner: {
        type: 'string',
        multiple: true,
        value: '<operator>',
        help: 'Who answers for it; you, by default',
      },
    },
    json: true,
    examples: [
      'valetkey environment add acme/staging --bind github:repository:acme/app',
      'valetkey environment add acme/production --bind railway:environment:5e1a9c7b-… --protected',
    ],
    async run(call) {
      const bindings = call.options.bind.map((given) => readBinding('--bind', given))
      const client = await call.signedIn()
      const owners: string[] = []
      for (const owner of call.options.owner) owners.push(await idOf(client, 'operator', owner))
      const answer = await client.send('POST', '/v1/environments', {
        name: call.args.name,
        protected: call.options.protected,
        bindings,
        ...(owners.length === 0 ? {} : { owners }),
      })
      show(call, answer)
    },
  }),
  command({
    name: 'environment list',
    summary: 'List environments',
    json: true,
    examples: ['valetkey environment list'],
    async run(call) {
      const items = await listAll(await call.signedIn(), '/v1/environments')
      if (call.json) return call.sayJson({ items }, 2)
      const rows = items.map((item) => {
        const bindings = records(item, 'bindings')
        return [
          shown(item, 'name'),
          shown(item, 'id'),
          `${shown(item, 'state')}${text(item, 'protected') === 'true' ? ', protected' : ''}`,
          `${bindings.slice(0, 3).map(bindingText).join(' ')}${bindings.length > 3 ? ` and ${String(bindings.length - 3)} more` : ''}`,
        ]
      })
      const columns = [
        { title: 'NAME', most: 60 },
        { title: 'ID', most: 40 },
        { title: 'STATE', most: 30 },
        { title: 'BOUND TO', most: 200 },
      ]
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'environment show',
    summary: 'Show an environment with all that is bound to it',
    takes: ['name'],
    json: true,
    examples: ['valetkey environment show acme/staging'],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'environment', call.args.name)
      show(call, await client.get(`/v1/environments/${id}`))
    },
  }),
  command({
    name: 'environment bind',
    summary: 'Bind more to an environment, or unbind; voids every capability issued for it',
    takes: ['name'],
    options: {
      bind,
      unbind: {
        type: 'string',
        multiple: true,
        value: bindingForm,
        help: 'What no longer belongs to it',
      },
    },
    json: true,
    password: true,
    examples: [
      'valetkey environment bind acme/staging --bind github:repository:acme/docs',
      'valetkey environment bind acme/staging --unbind github:repository:acme/app',
    ],
    async run(call) {
      const added = call.options.bind.map((given) => readBinding('--bind', given))
      const removed = call.options.unbind.map((given) => readBinding('--unbind', given))
      if (added.length + removed.length === 0)
        throw usage('Say what to bind with --bind, or what to unbind with --unbind.')
      const client = await call.signedIn()
      const id = await idOf(client, 'environment', call.args.name)
      const before = records(record(await client.get(`/v1/environments/${id}`)), 'bindings').map(
        (item) => ({
          provider: shown(item, 'provider'),
          kind: shown(item, 'kind'),
          id: shown(item, 'id'),
        }),
      )
      const bindings = rebound(before, added, removed)
      const password = await call.password()
      show(
        call,
        await client.send('PUT', `/v1/environments/${id}/bindings`, { bindings, password }),
      )
    },
  }),
  setProtected(
    'protect',
    'Protect an environment: destructive operations in it always wait for a person',
  ),
  setProtected('unprotect', 'Take the protection of an environment away'),
  ...stateCommands('environment'),
]

/** What was bound, less what is unbound, with what is added. To unbind what was not bound is a mistake, and said. */
export function rebound(
  before: readonly Binding[],
  added: readonly Binding[],
  removed: readonly Binding[],
): Binding[] {
  const gone = new Set(removed.map(bindingText))
  for (const binding of removed) {
    if (!before.some((old) => bindingText(old) === bindingText(binding)))
      throw usage(`${bindingText(binding)} is not bound to it, so it cannot be unbound.`)
  }
  const kept = before.filter((binding) => !gone.has(bindingText(binding)))
  const there = new Set(kept.map(bindingText))
  return [...kept, ...added.filter((binding) => !there.has(bindingText(binding)))]
}
