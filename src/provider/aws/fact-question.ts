/**
 * A question of the facts' rules as a request to AWS: written as a form or as JSON, and read back by the same code that
 * reads an agent's requests. What is not understood as exactly that operation, as a plain read, and as about nothing that
 * the request does not name but the account's own lists, is not asked.
 */
import { valuesAt } from '../../core/condition.ts'
import type { Invocation } from '../../core/operation.ts'
import type { Ask, RebuiltRequest } from '../adapter.ts'
import { spelling } from '../answer.ts'
import type { FactSource } from '../facts/ask.ts'
import type { FactRules, Question } from '../facts/rule.ts'
import { filled } from '../facts/value.ts'
import { Unestablished } from '../unestablished.ts'
import { awsService } from './catalogue.ts'
import { encode } from './form.ts'
import { destinationOf } from './hosts.ts'
import { identifyAws } from './identify.ts'
import { scopeField } from './scope.ts'
import { parseXml, type Element } from './xml.ts'

/** Things that one question names. */
const mostNamed = 20

export function awsFactSource(facts: FactRules): FactSource {
  return {
    facts,
    async answer(question, invocation, ask) {
      const request = awsQuestion(question, invocation)
      const { status, json, text } = await asked(request, ask)
      if (status === 404) throw new Unestablished('not_found')
      if (status !== 200) throw new Unestablished('lookup_failed')
      if (json !== undefined) return json
      const root = parseXml(text ?? '')
      if (root?.name !== `${actionOf(question)}Response`) throw new Unestablished('lookup_failed')
      return plainOf(root)
    },
  }
}

async function asked(request: RebuiltRequest, ask: Ask): ReturnType<Ask> {
  try {
    return await ask(request)
  } catch {
    throw new Unestablished('lookup_failed')
  }
}

function actionOf({ operation }: Question): string {
  return operation.slice(operation.indexOf('/') + 1)
}

/** Throws Unestablished where there is no such question for this request. */
export function awsQuestion(question: Question, invocation: Invocation): RebuiltRequest {
  const scope = invocation.resources.find(({ kind }) => kind === 'scope')?.id ?? ''
  const [, region = ''] = scope.split('/')
  const [service = ''] = question.operation.split('/')
  const destination = destinationOf(service, region)
  if (destination === undefined) throw new Unestablished('no_resolver')
  const { protocol, version } = awsService(destination.service)
  const fields = fieldsOf(question, invocation)
  const json = protocol === 'json'
  const form = [['Action', actionOf(question)], ['Version', version], ...fields]
    .map(([name = '', value = '']) => `${encode(name)}=${encode(value)}`)
    .join('&')
  const identified = identifyAws({
    method: 'POST',
    path: '/',
    query: undefined,
    headers: {
      authorization: scopeField(destination),
      ...(json
        ? {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': `DynamoDB_20120810.${actionOf(question)}`,
          }
        : { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }),
    },
    body: Buffer.from(json ? JSON.stringify(Object.fromEntries(fields)) : form),
  })
  if (!identified.ok) throw new Unestablished('no_resolver')
  const [read] = identified.invocations
  const named = new Set(invocation.resources.map(({ kind, id }) => `${kind}:${id}`))
  const plain =
    read !== undefined &&
    read.operation === question.operation &&
    [...read.effects, ...read.added].every((effect) => effect === 'read') &&
    read.widens.length === 0 &&
    // Of a list of the account's own, the rule says which items are meant.
    read.resources.every(
      ({ kind, id }) => (kind === 'account' && id === '') || named.has(`${kind}:${id}`),
    )
  if (!plain) throw new Unestablished('no_resolver')
  return identified.request
}

function fieldsOf(question: Question, { arguments: args }: Invocation): [string, string][] {
  return Object.entries(question.arguments ?? {}).flatMap(([name, template]) => {
    if (!name.endsWith('.*')) {
      const text = filled(template, args)
      if (text === undefined) throw new Unestablished('no_resolver')
      return [[name, text]] as [string, string][]
    }
    // `InstanceId.*`: each of several.
    const values = valuesAt(args, [...template.slice(1, -1).split('.'), '*'], 'lenient').map(
      spelling,
    )
    if (values.length === 0) throw new Unestablished('no_resolver')
    if (values.length > mostNamed) throw new Unestablished('too_many')
    return values.map((value, i): [string, string] => {
      if (value === undefined) throw new Unestablished('no_resolver')
      return [`${name.slice(0, -1)}${String(i + 1)}`, value]
    })
  })
}

/** What the items of a list are called. */
const items: ReadonlySet<string> = new Set([
  'item',
  'member',
  'DBCluster',
  'DBClusterSnapshot',
  'DBInstance',
  'DBSnapshot',
])

/** An element as JSON: its text, a list of its items (of none where it is empty), or its members; repeated ones as a list. */
function plainOf({ children, text }: Element): unknown {
  if (children.length === 0) return text === '' ? [] : text
  if (children.every(({ name }) => items.has(name))) return children.map(plainOf)
  const members = Map.groupBy(children, ({ name }) => name)
  return Object.fromEntries(
    [...members].map(([name, [only, ...others]]) => [
      name,
      only === undefined || others.length > 0
        ? (members.get(name) ?? []).map(plainOf)
        : plainOf(only),
    ]),
  )
}
