/** Credentials. The secret comes from stdin or a prompt, goes to the broker, and is never printed. */
import { child, record, shown, text } from './answer.ts'
import { command, type Command } from './command.ts'
import { usage } from './failure.ts'
import { idOf, listAll, namesOf } from './lookup.ts'
import type { Session } from './session.ts'
import { readObject } from './provider-file.ts'
import { stateCommands } from './state-commands.ts'
import { table } from './table.ts'

const fromWhere = 'The secret is piped in, or asked for; never an argument, which others can read.'

/** Of a credential that mints: the secret can be a key file, or JSON, and goes out in no header. */
async function mintingSecret(call: Session): Promise<string> {
  const secret = (await call.secret('Secret (what it mints with)')).trim()
  if (/[^\x20-\x7e\t\r\n]/.test(secret))
    throw usage('What a credential mints with has only ASCII; what was given has other characters.')
  return secret
}

const mintOptions = {
  'mint-kind': {
    type: 'string',
    value: '<kind>',
    help: 'The secret does not go out itself, but mints what goes out: github_app, aws_sts, gcp, railway, kubernetes, oauth_refresh',
  },
  'mint-parameters': {
    type: 'string',
    value: '<file>',
    help: 'The parameters of that kind, as JSON or YAML; nothing in it is secret',
  },
} as const

async function mintOf(options: {
  readonly 'mint-kind': string | undefined
  readonly 'mint-parameters': string | undefined
}): Promise<Record<string, unknown> | undefined> {
  const { 'mint-kind': kind, 'mint-parameters': file } = options
  if (kind === undefined && file === undefined) return undefined
  if (kind === undefined) throw usage('--mint-parameters goes with --mint-kind.')
  const parameters = file === undefined ? {} : await readObject('--mint-parameters', file)
  if (parameters === null || typeof parameters !== 'object' || Array.isArray(parameters))
    throw usage('The file of --mint-parameters must hold an object.')
  if (Object.hasOwn(parameters, 'kind') && (parameters as { kind: unknown }).kind !== kind)
    throw usage('The file of --mint-parameters is for another kind.')
  return { ...parameters, kind }
}

/** A secret travels in a header: a blank or a line end in it is a mistake of copying, better said here than by the broker. */
async function providerToken(call: Session): Promise<string> {
  const secret = await call.secret('Secret (the provider’s token)')
  if (/[^!-~]/.test(secret.trim()))
    throw usage(
      'A provider’s token has no blanks, no line ends and only ASCII; what was given has others.',
    )
  return secret.trim()
}

function show(call: Session, answer: unknown): void {
  if (call.json) return call.sayJson(answer, 2)
  const credential = record(answer)
  call.say(
    `${shown(credential, 'name')} (${shown(credential, 'id')}), version ${shown(credential, 'version')}`,
  )
  for (const member of ['provider', 'environment', 'origin', 'style', 'use', 'state']) {
    call.say(`  ${member}: ${shown(credential, member)}`)
  }
  const mint = child(credential, 'mint')
  if (mint['kind'] !== undefined) {
    call.say(`  mints: ${shown(mint, 'kind')}`)
    for (const [name, value] of Object.entries(mint))
      if (name !== 'kind')
        call.say(
          `    ${name}: ${typeof value === 'string' ? shown(mint, name) : JSON.stringify(value)}`,
        )
  }
  sayReach(call, child(credential, 'reach'))
}

/** What the provider said it can reach: the one thing about a credential that an admin must not overlook. */
function sayReach(call: Session, reach: Readonly<Record<string, unknown>>): void {
  const detail = text(reach, 'detail')
  const more = detail === undefined ? '' : ` ${detail.charAt(0).toUpperCase()}${detail.slice(1)}`
  switch (text(reach, 'kind')) {
    case 'within':
      return call.say('  reach: nothing beyond its environment')
    case 'wider':
      return call.say(`  WARNING: it reaches more than its environment.${more}`)
    case 'rejected':
      return call.say(`  WARNING: the provider does not accept it.${more}`)
    default:
      return call.say(`  reach: not known.${more}`)
  }
}

export const credentialCommands: readonly Command[] = [
  command({
    name: 'credential add',
    summary:
      'Seal a provider’s token in the vault; it can be used through grants, and never be read again',
    takes: ['name'],
    options: {
      provider: {
        type: 'string',
        required: true,
        value: '<provider>',
        help: 'Whose token it is: github, railway',
      },
      environment: {
        type: 'string',
        required: true,
        value: '<name>',
        help: 'The environment it is for',
      },
      style: {
        type: 'string',
        value: '<style>',
        help: 'How it goes out; the provider’s first by default',
      },
      origin: {
        type: 'string',
        value: '<origin>',
        help: 'Where it goes; the provider’s first by default, and needed where it has none of its own',
      },
      'for-lookups': {
        type: 'boolean',
        help: 'Only the broker’s own questions about where an id lives go out with it',
      },
      ...mintOptions,
    },
    json: true,
    password: true,
    examples: [
      'valetkey credential add github-staging --provider github --environment acme/staging',
      'pass show github/staging | valetkey credential add github-staging --provider github --environment acme/staging',
      'valetkey credential add github-app --provider github --environment acme/staging --mint-kind github_app --mint-parameters app.yaml < app.private-key.pem',
    ],
    notes: [fromWhere],
    async run(call) {
      const client = await call.signedIn()
      const { provider, style, origin } = call.options
      const use = call.options['for-lookups'] ? 'lookups' : undefined
      const environment = await idOf(client, 'environment', call.options.environment)
      const mint = await mintOf(call.options)
      const secret = mint === undefined ? await providerToken(call) : await mintingSecret(call)
      const password = await call.password()
      const answer = await client.send('POST', '/v1/credentials', {
        name: call.args.name,
        provider,
        environment,
        secret,
        ...(style === undefined ? {} : { style }),
        ...(origin === undefined ? {} : { origin }),
        ...(use === undefined ? {} : { use }),
        ...(mint === undefined ? {} : { mint }),
        password,
      })
      show(call, answer)
    },
  }),
  command({
    name: 'credential replace',
    summary: 'Replace the secret of a credential; requests that follow use the new one',
    takes: ['name'],
    options: mintOptions,
    json: true,
    password: true,
    examples: ['pass show github/staging | valetkey credential replace github-staging'],
    notes: [fromWhere],
    async run(call) {
      const client = await call.signedIn()
      const id = await idOf(client, 'credential', call.args.name)
      const given = await mintOf(call.options)
      // Without parameters it keeps those that it has.
      const present = child(record(await client.get(`/v1/credentials/${id}`)), 'mint')
      const mints = given !== undefined || present['kind'] !== undefined
      const secret = mints ? await mintingSecret(call) : await providerToken(call)
      const password = await call.password()
      const mint = given === undefined ? {} : { mint: given }
      show(
        call,
        await client.send('POST', `/v1/credentials/${id}/versions`, { secret, ...mint, password }),
      )
    },
  }),
  command({
    name: 'credential list',
    summary: 'List credentials, without their secrets',
    json: true,
    examples: ['valetkey credential list'],
    async run(call) {
      const client = await call.signedIn()
      const items = await listAll(client, '/v1/credentials')
      if (call.json) return call.sayJson({ items }, 2)
      const environments = await namesOf(client, 'environment')
      const rows = items.map((item) => [
        shown(item, 'name'),
        shown(item, 'id'),
        shown(item, 'provider'),
        environments.get(shown(item, 'environment')) ?? shown(item, 'environment'),
        shown(item, 'version'),
        shown(item, 'state'),
        shown(child(item, 'reach'), 'kind'),
      ])
      const columns = ['NAME', 'ID', 'PROVIDER', 'ENVIRONMENT', 'VERSION', 'STATE', 'REACH'].map(
        (title) => ({
          title,
          most: 60,
        }),
      )
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'credential show',
    summary: 'Show a credential, without its secret',
    takes: ['name'],
    json: true,
    examples: ['valetkey credential show github-staging'],
    async run(call) {
      const client = await call.signedIn()
      show(
        call,
        await client.get(`/v1/credentials/${await idOf(client, 'credential', call.args.name)}`),
      )
    },
  }),
  ...stateCommands('credential'),
]
