/** Grants: what an agent may do, where, with which credential, and until when. */
import { record, records, shown, text, texts, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { command, type Command } from './command.ts'
import { readConstraint } from './constraint.ts'
import { Failure, usage } from './failure.ts'
import { idGiven, idOf, listAll, namesOf, type NamedKind } from './lookup.ts'
import { readChoice, readMoment, readSeconds, readWhole } from './option-value.ts'
import type { Session } from './session.ts'
import { exampleIds, stateCommands } from './state-commands.ts'
import { table } from './table.ts'

const limits = {
  verb: {
    type: 'string',
    multiple: true,
    value: '<verb>',
    help: 'What it may do: volumeCreate, repos/get, read, volume*, x+destructive; read by default',
  },
  constraint: {
    type: 'string',
    multiple: true,
    value: '<path=value>',
    help: 'What an argument must be: replicas<=3, input.region="eu", or JSON',
  },
  approval: {
    type: 'string',
    value: 'never|destructive|always',
    help: 'When a person must approve; destructive by default',
  },
  lifetime: {
    type: 'string',
    value: '<time>',
    help: 'How long a capability may live: 5m by default, 15m at most',
  },
  rate: { type: 'string', value: '<number>', help: 'Requests in a minute; none by default' },
  expires: {
    type: 'string',
    value: '<time>',
    help: 'When the grant ends: 30d, or 2030-01-31; never by default',
  },
  'require-dpop': {
    type: 'string',
    value: 'yes|no',
    help: 'Only capabilities that are bound to a key; no by default',
  },
  'hand-out': {
    type: 'string',
    value: 'yes|no',
    help: 'Whether a native credential is handed out under it; no by default',
  },
} as const

type Limits = {
  readonly verb: readonly string[]
  readonly constraint: readonly string[]
  readonly approval: string | undefined
  readonly lifetime: string | undefined
  readonly rate: string | undefined
  readonly expires: string | undefined
  readonly 'require-dpop': string | undefined
  readonly 'hand-out'?: string | undefined
}

/** The members of a grant's body that were given. */
export function limitsBody(options: Limits, now: number): Record<string, unknown> {
  const { verb, constraint, lifetime, rate, expires } = options
  const approval = readChoice('--approval', options.approval, ['never', 'destructive', 'always'])
  const requireDpop = readChoice('--require-dpop', options['require-dpop'], ['yes', 'no'])
  const handOut = readChoice('--hand-out', options['hand-out'], ['yes', 'no'])
  return {
    ...(verb.length === 0 ? {} : { verbs: verb }),
    ...(constraint.length === 0 ? {} : { constraints: constraint.map(readConstraint) }),
    ...(approval === undefined ? {} : { approval }),
    ...(lifetime === undefined
      ? {}
      : { max_lifetime_seconds: readSeconds('--lifetime', lifetime) }),
    ...(rate === undefined
      ? {}
      : { requests_per_minute: rate === 'none' ? null : readWhole('--rate', rate) }),
    ...(requireDpop === undefined ? {} : { require_dpop: requireDpop === 'yes' }),
    ...(handOut === undefined ? {} : { hand_out: handOut === 'yes' }),
    ...(expires === undefined
      ? {}
      : { expires_at: expires === 'never' ? null : readMoment('--expires', expires, now, 1) }),
  }
}

function show(call: Session, answer: unknown): void {
  if (call.json) return call.sayJson(answer, 2)
  const grant = record(answer)
  call.say(`${shown(grant, 'id')}, ${shown(grant, 'state')}`)
  for (const member of ['agent', 'environment', 'credential', 'provider'])
    call.say(`  ${member}: ${shown(grant, member)}`)
  call.say(`  verbs: ${texts(grant, 'verbs').join(', ')}`)
  for (const constraint of records(grant, 'constraints'))
    call.say(`  constraint: ${JSON.stringify(constraint)}`)
  call.say(`  approval: ${shown(grant, 'approval')}`)
  call.say(`  a capability lives: ${shown(grant, 'max_lifetime_seconds')} seconds at most`)
  call.say(`  requests in a minute: ${text(grant, 'requests_per_minute') ?? 'no limit'}`)
  call.say(`  minted credentials: ${shown(grant, 'minted')}`)
  if (text(grant, 'require_dpop') === 'true')
    call.say('  capabilities: only those that are bound to a key (DPoP)')
  if (text(grant, 'hand_out') === 'true')
    call.say('  native credentials: handed out, and out of reach of verbs, approvals and redaction')
  call.say(`  expires: ${text(grant, 'expires_at') ?? 'never'}`)
  const current = text(grant, 'catalogue_current') === 'true'
  call.say(
    `  catalogue: ${shown(grant, 'catalogue_version').slice(0, 12)}${current ? '' : `, not the present one: valetkey grant review ${shown(grant, 'id')}`}`,
  )
}

/** Names where they may be read; an approver may not list credentials, and sees their ids. */
async function namesIfAllowed(
  client: Client,
  kind: NamedKind,
): Promise<ReadonlyMap<string, string>> {
  try {
    return await namesOf(client, kind)
  } catch (error) {
    if (error instanceof Failure && error.code === 'forbidden') return new Map()
    throw error
  }
}

async function sayList(call: Session, client: Client, items: readonly Shape[]): Promise<void> {
  const agents = await namesIfAllowed(client, 'agent')
  const environments = await namesIfAllowed(client, 'environment')
  const credentials = await namesIfAllowed(client, 'credential')
  const name = (names: ReadonlyMap<string, string>, id: string): string => names.get(id) ?? id
  const rows = items.map((item) => [
    shown(item, 'id'),
    name(agents, shown(item, 'agent')),
    name(environments, shown(item, 'environment')),
    name(credentials, shown(item, 'credential')),
    shown(item, 'approval'),
    shown(item, 'state'),
    texts(item, 'verbs').join(' '),
  ])
  const columns = ['ID', 'AGENT', 'ENVIRONMENT', 'CREDENTIAL', 'APPROVAL', 'STATE', 'VERBS'].map(
    (title) => ({
      title,
      most: title === 'VERBS' ? 100 : 40,
    }),
  )
  for (const line of table(columns, rows)) call.say(line)
}

export const grantCommands: readonly Command[] = [
  command({
    name: 'grant add',
    summary: 'Mint a grant: what an agent may do, where, with which credential',
    options: {
      agent: { type: 'string', required: true, value: '<agent>', help: 'Whose it is' },
      credential: {
        type: 'string',
        required: true,
        value: '<credential>',
        help: 'What goes out; says provider and environment',
      },
      environment: { type: 'string', value: '<name>', help: 'Checked against the credential’s' },
      ...limits,
      minted: {
        type: 'string',
        value: 'redact|seal|reveal',
        help: 'What becomes of a credential that the provider mints in an answer; redact by default',
      },
    },
    json: true,
    password: true,
    examples: [
      'valetkey grant add --agent deploy-bot --credential github-staging',
      'valetkey grant add --agent deploy-bot --credential railway-staging --verb read --verb volumeCreate --constraint \'input.region="eu"\' --expires 30d',
    ],
    notes: [
      'Without --verb a grant only reads.',
      '--hand-out takes a credential that mints, --approval never, and one of: --verb read, --verb read+secret, or every effect with --minted reveal.',
    ],
    async run(call) {
      const { options } = call
      const body = limitsBody(options, call.world.now())
      const minted = readChoice('--minted', options.minted, ['redact', 'seal', 'reveal'])
      const client = await call.signedIn()
      const agent = await idOf(client, 'agent', options.agent)
      const credential = await idOf(client, 'credential', options.credential)
      const { environment } = options
      const answer = await client.send('POST', '/v1/grants', {
        agent,
        credential,
        ...(environment === undefined
          ? {}
          : { environment: await idOf(client, 'environment', environment) }),
        ...body,
        ...(minted === undefined ? {} : { minted }),
        password: await call.password(),
      })
      show(call, answer)
    },
  }),
  command({
    name: 'grant list',
    summary: 'List grants',
    options: {
      agent: { type: 'string', value: '<agent>', help: 'Only this agent’s' },
      environment: { type: 'string', value: '<name>', help: 'Only in this environment' },
    },
    json: true,
    examples: ['valetkey grant list --agent deploy-bot'],
    async run(call) {
      const client = await call.signedIn()
      const { agent, environment } = call.options
      const items = await listAll(client, '/v1/grants', {
        agent: agent === undefined ? undefined : await idOf(client, 'agent', agent),
        environment:
          environment === undefined ? undefined : await idOf(client, 'environment', environment),
      })
      if (call.json) return call.sayJson({ items }, 2)
      await sayList(call, client, items)
    },
  }),
  command({
    name: 'grant show',
    summary: 'Show a grant',
    takes: ['id'],
    json: true,
    examples: [`valetkey grant show ${exampleIds.grant}`],
    async run(call) {
      const id = idGiven('grant', call.args.id, exampleIds.grant)
      show(call, await (await call.signedIn()).get(`/v1/grants/${id}`))
    },
  }),
  command({
    name: 'grant update',
    summary: 'Change a grant; what is given replaces what was there',
    takes: ['id'],
    options: {
      ...limits,
      'no-constraints': { type: 'boolean', help: 'Take all constraints away' },
    },
    json: true,
    password: true,
    examples: [
      `valetkey grant update ${exampleIds.grant} --approval always`,
      `valetkey grant update ${exampleIds.grant} --verb read --verb volumeCreate --rate none --expires never`,
    ],
    notes: [
      '--rate none and --expires never take a limit away. Agent, credential and environment are for ever: mint another grant.',
    ],
    async run(call) {
      const { options } = call
      const id = idGiven('grant', call.args.id, exampleIds.grant)
      if (options['no-constraints'] && options.constraint.length > 0)
        throw usage('--constraint and --no-constraints contradict each other.')
      const body = {
        ...limitsBody(options, call.world.now()),
        ...(options['no-constraints'] ? { constraints: [] } : {}),
      }
      const members = Object.keys(body)
      if (members.length === 0)
        throw usage('Say what to change.', 'See:  valetkey grant update --help')
      const client = await call.signedIn()
      const path = `/v1/grants/${id}`
      // Making the rule stricter is never slowed down by a password; whether it is stricter, the broker knows.
      if (members.length === 1 && /^(approval|require_dpop|hand_out)$/.test(members[0] ?? '')) {
        try {
          return show(call, await client.send('PATCH', path, body))
        } catch (error) {
          if (!(error instanceof Failure) || error.code !== 'password_required') throw error
        }
      }
      show(call, await client.send('PATCH', path, { ...body, password: await call.password() }))
    },
  }),
  ...stateCommands('grant'),
]
