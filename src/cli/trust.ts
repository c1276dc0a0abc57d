/** Trust: which issuers' tokens are taken as proof of who asks, and whose act as which agent. */
import { isId } from '../ids.ts'
import { record, records, shown, text, type Shape } from './answer.ts'
import type { Client } from './client.ts'
import { command, type Command } from './command.ts'
import { Failure, usage } from './failure.ts'
import { idOf, listAll, namesOf } from './lookup.ts'
import { readChoice, readSeconds, readWhole } from './option-value.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'
import { readCondition } from './trust-condition.ts'

/** Issuers that people name by what they are. */
const wellKnown: ReadonlyMap<string, string> = new Map([
  ['github', 'https://token.actions.githubusercontent.com'],
  ['gitlab', 'https://gitlab.com'],
])

const exampleRule = 'tr_01jxyz…'

function urlOf(issuer: string): string {
  return wellKnown.get(issuer) ?? issuer
}

/** The id of an issuer that was named by its id, its URL or its name here. */
async function issuerOf(client: Client, given: string): Promise<string> {
  if (isId('trustIssuer', given)) return given
  const url = urlOf(given)
  const found = (await listAll(client, '/v1/trust-issuers')).find(
    (item) => text(item, 'issuer') === url && text(item, 'state') !== 'revoked',
  )
  const id = found === undefined ? undefined : text(found, 'id')
  if (id === undefined) {
    throw new Failure(1, 'There is no such issuer here.', {
      code: 'not_found',
      notes: ['Trust it first:  valetkey trust add-issuer github'],
    })
  }
  return id
}

function pathOf(id: string): string {
  if (isId('trustRule', id)) return `/v1/trust-rules/${id}`
  if (isId('trustIssuer', id)) return `/v1/trust-issuers/${id}`
  throw usage(`This is the id neither of a rule nor of an issuer; one looks like ${exampleRule}`)
}

/** A condition as it is read aloud. */
function spoken(condition: Shape): string {
  const claim = shown(condition, 'claim')
  const prefix = text(condition, 'prefix')
  if (prefix !== undefined) return `${claim} begins with ${prefix}`
  const oneOf = condition['oneOf']
  return Array.isArray(oneOf)
    ? `${claim} is one of ${oneOf.map((each) => JSON.stringify(each)).join(', ')}`
    : `${claim} is ${JSON.stringify(condition['equals'])}`
}

function showIssuer(call: Session, answer: unknown): void {
  if (call.json) return call.sayJson(answer, 2)
  const issuer = record(answer)
  call.say(`${shown(issuer, 'issuer')} (${shown(issuer, 'id')}), ${shown(issuer, 'state')}`)
  call.say(`  kind: ${shown(issuer, 'platform')}`)
  call.say(`  keys: ${text(issuer, 'jwks_uri') ?? 'where its metadata says'}`)
  call.say(`  in a private network: ${text(issuer, 'internal') === 'true' ? 'may be' : 'no'}`)
}

function showRule(call: Session, answer: unknown): void {
  if (call.json) return call.sayJson(answer, 2)
  const rule = record(answer)
  call.say(`${shown(rule, 'name')} (${shown(rule, 'id')}), ${shown(rule, 'state')}`)
  call.say(`  issuer: ${shown(rule, 'issuer')}`)
  for (const condition of records(rule, 'conditions')) call.say(`  where: ${spoken(condition)}`)
  call.say(`  audience: ${shown(rule, 'audience')}`)
  call.say(`  acts as: ${shown(rule, 'agent')}`)
  const lifetime = text(rule, 'max_lifetime_seconds')
  if (lifetime !== undefined) call.say(`  a capability lives: ${lifetime} seconds at most`)
  call.say(`  one token is good for: ${shown(rule, 'exchanges_per_token')} exchange(s)`)
}

export const trustCommands: readonly Command[] = [
  command({
    name: 'trust add-issuer',
    summary: 'Trust an issuer to say who holds its tokens; rules say what they may do',
    takes: ['issuer'],
    options: {
      'jwks-uri': {
        type: 'string',
        value: '<url>',
        help: 'Where its keys are; its own metadata says it by default',
      },
      internal: { type: 'boolean', help: 'It may lie in a private network' },
      platform: {
        type: 'string',
        value: 'github|gitlab|kubernetes|other',
        help: 'What it is, where you host it yourself',
      },
    },
    json: true,
    password: true,
    examples: [
      'valetkey trust add-issuer github',
      'valetkey trust add-issuer https://gitlab.acme.internal --internal --platform gitlab',
      'valetkey trust add-issuer https://oidc.eks.eu-west-1.amazonaws.com/id/ABC123 --platform kubernetes',
    ],
    notes: ['github and gitlab stand for those two’s own issuers.'],
    async run(call) {
      const { options, args } = call
      const { 'jwks-uri': jwksUri, internal } = options
      const platform = readChoice('--platform', options.platform, [
        'github',
        'gitlab',
        'kubernetes',
        'other',
      ])
      const client = await call.signedIn()
      const answer = await client.send('POST', '/v1/trust-issuers', {
        issuer: urlOf(args.issuer),
        ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
        ...(internal ? { internal } : {}),
        ...(platform === undefined ? {} : { platform }),
        password: await call.password(),
      })
      showIssuer(call, answer)
    },
  }),
  command({
    name: 'trust issuers',
    summary: 'List the issuers that are trusted',
    json: true,
    examples: ['valetkey trust issuers'],
    async run(call) {
      const items = await listAll(await call.signedIn(), '/v1/trust-issuers')
      if (call.json) return call.sayJson({ items }, 2)
      const rows = items.map((item) =>
        ['id', 'issuer', 'platform', 'state'].map((member) => shown(item, member)),
      )
      const columns = ['ID', 'ISSUER', 'KIND', 'STATE'].map((title) => ({ title, most: 80 }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'trust add',
    summary: 'Let the holders of an issuer’s tokens, by what they say, act as an agent',
    takes: ['name'],
    options: {
      issuer: {
        type: 'string',
        required: true,
        value: '<issuer>',
        help: 'Whose tokens: its URL, its id, github or gitlab',
      },
      agent: {
        type: 'string',
        required: true,
        value: '<agent>',
        help: 'Whom they act as, with that agent’s grants',
      },
      where: {
        type: 'string',
        multiple: true,
        value: '<claim=value>',
        help: 'What the token must say: repository_id=123, ref=a|b, job_workflow_ref^=acme/ci/',
      },
      audience: {
        type: 'string',
        value: '<text>',
        help: 'What the token must be for; this broker’s URL by default',
      },
      lifetime: { type: 'string', value: '<time>', help: 'How long a capability may live' },
      exchanges: {
        type: 'string',
        value: '<number>',
        help: 'How often one token may be exchanged; 1 by default',
      },
    },
    json: true,
    password: true,
    examples: [
      'valetkey trust add deploys --issuer github --agent deploy-bot --where repository_id=123456 --where environment=staging',
      'valetkey trust add pods --issuer https://oidc.acme.example --agent worker --where /kubernetes.io/namespace=prod --exchanges 10',
    ],
    notes: [
      'claim=value is equal, claim=a|b is one of them, claim^=text/ begins with it. All of them must hold.',
      'A claim further in is named by its path: /kubernetes.io/namespace. JSON also works: {"claim":"sub","equals":"a|b"}',
    ],
    async run(call) {
      const { options, args } = call
      if (options.where.length === 0) {
        throw usage(
          'Say what the token must say: --where claim=value. Without it, whoever has a token would act as this agent.',
        )
      }
      const { audience, lifetime, exchanges } = options
      const body = {
        name: args.name,
        conditions: options.where.map(readCondition),
        ...(audience === undefined ? {} : { audience }),
        ...(lifetime === undefined
          ? {}
          : { max_lifetime_seconds: readSeconds('--lifetime', lifetime) }),
        ...(exchanges === undefined
          ? {}
          : { exchanges_per_token: readWhole('--exchanges', exchanges) }),
      }
      const client = await call.signedIn()
      const issuer = await issuerOf(client, options.issuer)
      const agent = await idOf(client, 'agent', options.agent)
      const answer = await client.send('POST', '/v1/trust-rules', {
        ...body,
        issuer,
        agent,
        password: await call.password(),
      })
      showRule(call, answer)
    },
  }),
  command({
    name: 'trust list',
    summary: 'List the rules by which tokens of other issuers act as agents',
    options: { agent: { type: 'string', value: '<agent>', help: 'Only this agent’s' } },
    json: true,
    examples: ['valetkey trust list --agent deploy-bot'],
    async run(call) {
      const client = await call.signedIn()
      const { agent } = call.options
      const items = await listAll(client, '/v1/trust-rules', {
        agent: agent === undefined ? undefined : await idOf(client, 'agent', agent),
      })
      if (call.json) return call.sayJson({ items }, 2)
      const agents = await namesOf(client, 'agent')
      const rows = items.map((item) => [
        shown(item, 'id'),
        shown(item, 'name'),
        agents.get(shown(item, 'agent')) ?? shown(item, 'agent'),
        shown(item, 'state'),
        records(item, 'conditions').map(spoken).join('; '),
      ])
      const columns = ['ID', 'NAME', 'ACTS AS', 'STATE', 'WHERE'].map((title) => ({
        title,
        most: title === 'WHERE' ? 160 : 40,
      }))
      for (const line of table(columns, rows)) call.say(line)
    },
  }),
  command({
    name: 'trust show',
    summary: 'Show a rule or an issuer',
    takes: ['id'],
    json: true,
    examples: [`valetkey trust show ${exampleRule}`],
    async run(call) {
      const path = pathOf(call.args.id)
      const answer = await (await call.signedIn()).get(path)
      if (isId('trustRule', call.args.id)) showRule(call, answer)
      else showIssuer(call, answer)
    },
  }),
  ...(['disable', 'enable', 'revoke'] as const).map((act) =>
    command({
      name: `trust ${act}`,
      summary: {
        disable: 'Disable a rule or an issuer; what was issued by it stops at once',
        enable: 'Enable a rule or an issuer that was disabled',
        revoke: 'Revoke a rule or an issuer, for ever; what was issued by it stops at once',
      }[act],
      takes: ['id'],
      ...(act === 'enable' ? { password: true } : {}),
      examples: [`valetkey trust ${act} ${exampleRule}`],
      async run(call) {
        const path = pathOf(call.args.id)
        const client = await call.signedIn()
        const password = act === 'enable' ? { password: await call.password() } : {}
        await client.send('POST', `${path}/${act}`, password)
        call.say(`${call.args.id} is ${act}d.${act === 'revoke' ? ' That cannot be undone.' : ''}`)
      },
    }),
  ),
]
