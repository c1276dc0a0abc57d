/**
 * A question of a manifest's facts as a request to a REST provider. It is written from the catalogue's template and read
 * back by the same code that reads an agent's requests: what is not understood as exactly that operation, as a plain
 * read, and as about nothing that the request does not name, is not asked.
 */
import type { Invocation, JsonObject } from '../../core/operation.ts'
import type { Ask, RebuiltRequest } from '../adapter.ts'
import { redacted, spelling } from '../answer.ts'
import type { FactRules, Question } from '../facts/rule.ts'
import type { FactSource } from '../facts/ask.ts'
import { filled } from '../facts/value.ts'
import { Unestablished } from '../unestablished.ts'
import { identifyRest, type RestRules } from './identify.ts'
import type { OpenCatalogue } from './open.ts'
import { encodeSegment } from './segment.ts'
import type { Template } from './template.ts'

/** `reveals`: where in the answer of an operation credentials stand; none of them is told. */
export function restFactSource(
  facts: FactRules,
  catalogue: () => OpenCatalogue,
  rules: RestRules,
  reveals: (operation: string) => readonly (readonly string[])[],
): FactSource {
  return {
    facts,
    async answer(question, invocation, ask) {
      const request = restQuestion(catalogue(), rules, question, invocation)
      const json = await answerTo(request, ask)
      return redacted(json, reveals(question.operation))
    },
  }
}

/** Throws Unestablished where there is no such question for this request. */
export function restQuestion(
  catalogue: OpenCatalogue,
  rules: RestRules,
  question: Question,
  invocation: Invocation,
): RebuiltRequest {
  const [template] = catalogue.find(question.operation)?.templates ?? []
  if (template === undefined) throw new Unestablished('no_resolver')
  const identified = identifyRest(catalogue, rules, {
    method: 'GET',
    path: pathOf(template, question, invocation.arguments),
    query: queryOf(template, question, invocation.arguments),
    headers: { accept: 'application/json' },
    body: Buffer.alloc(0),
  })
  if (!identified.ok) throw new Unestablished('no_resolver')
  const [read, ...others] = identified.invocations
  const named = new Set(invocation.resources.map(({ kind, id }) => `${kind}:${id}`))
  const plain =
    read !== undefined &&
    others.length === 0 &&
    read.operation === question.operation &&
    read.scope !== 'account' &&
    [...read.effects, ...read.added].every((effect) => effect === 'read') &&
    read.widens.length === 0 &&
    read.resources.every(({ kind, id }) => named.has(`${kind}:${id}`))
  if (!plain) throw new Unestablished('no_resolver')
  return identified.request
}

function pathOf(template: Template, question: Question, args: JsonObject): string {
  const path = template.parts.map((part) => {
    if ('literal' in part) return part.literal
    const text = argumentOf(part.parameter, question, args)
    if (text === undefined) throw new Unestablished('no_resolver')
    return encodeSegment(text)
  })
  return `/${path.join('/')}`
}

function argumentOf(name: string, question: Question, args: JsonObject): string | undefined {
  const given = question.arguments
  if (given !== undefined && Object.hasOwn(given, name)) return filled(given[name] ?? '', args)
  return Object.hasOwn(args, name) ? spelling(args[name]) : undefined
}

function queryOf(template: Template, question: Question, args: JsonObject): string | undefined {
  const inPath = new Set(
    template.parts.flatMap((part) => ('parameter' in part ? [part.parameter] : [])),
  )
  const pairs = Object.keys(question.arguments ?? {})
    .filter((name) => !inPath.has(name))
    .flatMap((name) => {
      const text = argumentOf(name, question, args)
      return text === undefined
        ? []
        : [`${encodeURIComponent(name)}=${encodeURIComponent(text).replaceAll("'", '%27')}`]
    })
  return pairs.length === 0 ? undefined : pairs.join('&')
}

async function answerTo(request: RebuiltRequest, ask: Ask): Promise<unknown> {
  let answer
  try {
    answer = await ask(request)
  } catch {
    throw new Unestablished('lookup_failed')
  }
  if (answer.status === 404) throw new Unestablished('not_found')
  if (answer.status !== 200 || answer.json === undefined) throw new Unestablished('lookup_failed')
  return answer.json
}
