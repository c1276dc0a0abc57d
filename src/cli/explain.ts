/** The dry run: what the broker would make of a request. */
import { readFile } from 'node:fs/promises'
import { child, record, records, shown, text, texts, type Shape } from './answer.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { idGiven } from './lookup.ts'
import type { Session } from './session.ts'
import { exampleIds } from './state-commands.ts'

/** Where secrets travel. A dry run needs none, and this one would stand in the shell's history. */
const carriers = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'project-access-token',
]

export function readHeader(given: string): [string, string] {
  const colon = given.indexOf(':')
  const name = given.slice(0, Math.max(colon, 0)).trim().toLowerCase()
  if (!/^[a-z0-9-]{1,60}$/.test(name)) throw usage('--header must look like name: value')
  if (carriers.includes(name))
    throw usage(`--header ${name} is not taken: a dry run needs no capability and no credential.`)
  return [name, given.slice(colon + 1).trim()]
}

async function readBody(call: Session, given: string): Promise<string> {
  if (given === '-') {
    const piped = await call.world.terminal.piped(1_048_576).catch((error: unknown) => {
      if (error instanceof RangeError) throw usage('The body is longer than is read here: 1 MiB.')
      throw error
    })
    if (piped === undefined) throw usage('--body - reads stdin, but nothing is piped in.')
    return piped
  }
  if (!given.startsWith('@')) return given
  try {
    return await readFile(given.slice(1), 'utf8')
  } catch {
    throw usage(`The file ${given.slice(1)} of --body cannot be read.`)
  }
}

export const explain = command({
  name: 'explain',
  summary:
    'Say which operations a request would be, what they touch, what would be decided and why; nothing is forwarded',
  takes: ['METHOD', 'TARGET'],
  options: {
    grant: { type: 'string', required: true, value: '<id>', help: 'Under which grant' },
    verb: {
      type: 'string',
      multiple: true,
      value: '<verb>',
      help: 'As a narrower capability; all of the grant by default',
    },
    header: {
      type: 'string',
      multiple: true,
      value: "'name: value'",
      help: 'A header of the request',
    },
    body: {
      type: 'string',
      value: '<text>|@<file>|-',
      help: 'Its body; JSON, unless a header says otherwise',
    },
  },
  json: true,
  examples: [
    `valetkey explain --grant ${exampleIds.grant} GET /repos/acme/app`,
    `valetkey explain --grant ${exampleIds.grant} POST /graphql/v2 --body '{"query":"mutation { volumeDelete(volumeId: \\"…\\") }"}'`,
  ],
  notes: [
    'TARGET is path and query as the provider would get them, without /proxy/<provider>.',
    'Look-ups at the provider may be made, to learn what an id belongs to.',
  ],
  async run(call) {
    const { options, args } = call
    const grant = idGiven('grant', options.grant, exampleIds.grant)
    const headers = Object.fromEntries(options.header.map(readHeader))
    const body = options.body === undefined ? undefined : await readBody(call, options.body)
    if (body !== undefined) headers['content-type'] ??= 'application/json'
    const client = await call.signedIn()
    const answer = await client.send('POST', '/v1/explain', {
      grant,
      ...(options.verb.length === 0 ? {} : { verbs: options.verb }),
      method: args.METHOD.toUpperCase(),
      target: args.TARGET,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    })
    if (call.json) return call.sayJson(answer, 2)
    const explained = record(answer)
    const code = text(explained, 'code')
    call.say(
      `${shown(explained, 'decision')}${code === undefined ? '' : ` (${code})`}: ${shown(explained, 'detail')}`,
    )
    const reason = record(explained['reason'])
    if (Object.keys(reason).length > 0) call.say(`  reason: ${JSON.stringify(reason)}`)
    const approval = child(explained, 'approval')
    if (text(approval, 'sentence') !== undefined) {
      const never = text(approval, 'not_approvable')
      if (never !== undefined)
        call.say(`  nobody would be asked, because ${shown(approval, 'not_approvable')}`)
      else call.say(`  a person would be asked: ${shown(approval, 'sentence')}`)
      const standing = child(approval, 'standing')
      if (text(standing, 'id') !== undefined)
        call.say(`  this request already: ${shown(standing, 'state')}, ${shown(standing, 'url')}`)
    }
    for (const operation of records(explained, 'operations')) sayOperation(call, operation)
  },
})

function sayOperation(call: Session, operation: Shape): void {
  const effects = [
    ...texts(operation, 'effects'),
    ...texts(operation, 'added').map((effect) => `+${effect}`),
  ]
  call.say(
    `  ${shown(operation, 'name')} [${effects.join(' ')}], scope ${shown(operation, 'scope')}`,
  )
  for (const resource of records(operation, 'resources')) {
    call.say(
      `    names ${shown(resource, 'kind')} ${shown(resource, 'id')} (${shown(resource, 'role')}, at ${shown(resource, 'path')})`,
    )
  }
  for (const place of texts(operation, 'places')) call.say(`    touches ${place}`)
  for (const unresolved of records(operation, 'unresolved')) {
    call.say(
      `    not established: ${shown(unresolved, 'kind')} ${shown(unresolved, 'id')} (${shown(unresolved, 'why')})`,
    )
  }
}
