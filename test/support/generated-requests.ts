/**
 * Two properties that hold for every REST provider's catalogue, with generated input: every operation is found as itself
 * and rebuilt to mean the same, and a request with something inserted, doubled or cut is refused or leaves as what was
 * decided on. What the requests mean is told by code that shares nothing with the adapter: `URL`, `URLSearchParams`,
 * `JSON.parse`, and a template compared segment by segment.
 */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import * as fc from 'fast-check'
import { parseJson } from '../../src/core/json.ts'
import type { Invocation, JsonObject, JsonValue } from '../../src/core/operation.ts'
import type { Identified, ProviderAdapter } from '../../src/provider/adapter.ts'
import { loadOperation, type RestOperation } from '../../src/provider/rest/catalogue.ts'
import { readPath } from '../../src/provider/rest/segment.ts'
import { fits, type ParameterType, type Template } from '../../src/provider/rest/template.ts'
import { readCatalogue } from '../../src/provider/rest/written.ts'

export type Subject = {
  readonly adapter: ProviderAdapter
  /** The text of its `catalogue.json`. */
  readonly catalogue: string
  /** Names of fields, of the query or of the outermost object, that the provider's manifest refuses. */
  readonly refusedFields?: RegExp
  /** Operations whose arguments are read by code of the provider's own, which refuses what is generated here. */
  readonly except?: readonly string[]
  /** Whether a `/` in a parameter has to come encoded, because other operations go on behind it. */
  readonly slashes?: 'encoded'
  /** What else holds of each reading of a mutated path that was understood. */
  readonly holds?: (invocation: Invocation, seen: string) => void
}

type Sample = {
  readonly operation: RestOperation
  readonly target: string
  readonly args: JsonObject
  readonly body: Buffer
  readonly type: string | undefined
}

/** Each operation that is not denied: the request is it, with its arguments, and what leaves would be decided on alike. */
export function assertEveryOperationIsItself(subject: Subject, runs = 3): void {
  const { adapter } = subject
  for (const operation of operationsOf(subject)) {
    fc.assert(
      fc.property(sampleOf(operation, subject), (sample) => {
        const identified = identify(adapter, sample)
        assert.ok(
          identified.ok,
          `${operation.name} ${identified.ok ? '' : identified.refusal.detail}`,
        )
        const [invocation] = identified.invocations as [Invocation]
        assert.equal(invocation.operation, operation.name)
        assert.deepEqual(invocation.arguments, sample.args)
        const { request } = identified
        assert.equal(request.method, operation.method)
        assert.deepEqual(meaningOf(request.target), meaningOf(sample.target))
        assert.deepEqual(
          bodyOf(request.body, request.headers['content-type']),
          bodyOf(sample.body, sample.type),
        )
        assert.deepEqual(again(adapter, identified), identified)
      }),
      { numRuns: runs },
    )
  }
}

/** Something hostile anywhere in the target: refused, or no decoding and no normalisation makes another path of it. */
export function assertMutationsMeanWhatWasDecided(subject: Subject, runs = 2_000): void {
  const { adapter } = subject
  const operations = operationsOf(subject)
  const byName = new Map(operations.map((operation) => [operation.name, operation]))
  const mutated = fc.record({
    sample: fc.constantFrom(...operations).chain((operation) => sampleOf(operation, subject)),
    insert: fc.constantFrom(...hostile),
    at: fc.nat(),
    cut: fc.nat({ max: 3 }),
  })
  let accepted = 0
  fc.assert(
    fc.property(mutated, ({ sample, insert, at, cut }) => {
      const { target } = sample
      const position = at % (target.length + 1)
      const changed = `${target.slice(0, position)}${insert}${target.slice(position + cut)}`
      const identified = identify(adapter, { ...sample, target: changed })
      if (!identified.ok) return
      accepted++
      const [invocation] = identified.invocations as [Invocation]
      const templates = byName.get(invocation.operation)?.templates ?? []
      const [path = ''] = identified.request.target.split('?')
      assert.equal(new URL(path, 'https://provider.example').pathname, path)
      for (const seen of readings(path)) {
        assert.ok(
          templates.some((template) => isOf(seen, template)),
          `${changed} left as ${path}, which can be read as ${seen}`,
        )
        subject.holds?.(invocation, seen)
      }
      assert.deepEqual(again(adapter, identified), identified)
    }),
    { numRuns: runs },
  )
  assert.ok(accepted > runs / 200, `only ${String(accepted)} mutations were harmless`)
}

function operationsOf({ catalogue, except = [] }: Subject): readonly RestOperation[] {
  return readCatalogue(catalogue)
    .operations.map(loadOperation)
    .filter(({ name, denied, templates }) => {
      return denied === undefined && templates.length > 0 && !except.includes(name)
    })
}

function identify(
  adapter: ProviderAdapter,
  { operation, target, body, type }: Pick<Sample, 'operation' | 'target' | 'body' | 'type'>,
): Identified {
  const mark = target.indexOf('?')
  return adapter.identify({
    method: operation.method,
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    headers: type === undefined ? {} : { 'content-type': type },
    body,
  })
}

/** What the adapter makes of the request that it rebuilt. */
function again(adapter: ProviderAdapter, identified: Identified): Identified {
  assert.ok(identified.ok)
  const { method, target, headers, body } = identified.request
  const mark = target.indexOf('?')
  return adapter.identify({
    method,
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    headers,
    body: body ?? Buffer.alloc(0),
  })
}

/** A text that a client may put in a path: it begins like no literal of a catalogue. */
const plain = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((rest) => `Zz${rest.replaceAll('/', '')}`)
  .filter(
    (value) =>
      readPath(`/${encodeURIComponent(value)}`).ok && !value.normalize('NFKC').includes('/'),
  )

function valueOf(type: ParameterType): fc.Arbitrary<string> {
  switch (type) {
    case 'name':
      return fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((value) => fits(value, 'name'))
    case 'integer':
      return fc.integer({ min: 0, max: 999_999_999_999 }).map(String)
    case 'string':
      return plain
    case 'slashes':
      return fc.array(plain, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('/'))
  }
}

const text = fc.constantFrom('é &7', 'a=b', '+1 (2)', '', '%41', 'x')
const key = fc.stringMatching(/^[a-z][a-z_]{0,8}$/)
const credential = /^(?:access_token|client_secret|client_id|token|api_key|private_token)$/

/** What a form can say: texts, lists of texts, and objects of them. */
const formValue = fc.oneof(
  text,
  fc.array(text, { minLength: 1, maxLength: 2 }),
  fc.dictionary(key, text, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
)

function sampleOf(operation: RestOperation, subject: Subject): fc.Arbitrary<Sample> {
  const [template] = operation.templates
  assert.ok(template)
  const parameters = template.parts.filter((part) => 'parameter' in part)
  const mayBe = (name: string): boolean =>
    !credential.test(name) &&
    name !== 'body' &&
    subject.refusedFields?.test(name) !== true &&
    !parameters.some((part) => part.parameter === name)
  const values = fc.tuple(...parameters.map((part) => valueOf(part.type)))
  return fc
    .record({
      values,
      query: queryOf(operation, mayBe),
      body: bodyValue(operation, mayBe),
      choose: fc.nat(),
    })
    .map(({ values, query, body, choose }): Sample => {
      const args: JsonObject = {}
      parameters.forEach((part, i) => {
        const value = values[i] ?? ''
        args[part.parameter] = part.type === 'integer' ? Number(value) : value
      })
      Object.assign(args, query.args)
      if (body !== undefined) args['body'] = JSON.parse(JSON.stringify(body)) as JsonValue
      const path = pathOf(template, values, choose, subject.slashes === 'encoded' ? '%2F' : '/')
      const encoded =
        body === undefined ? '' : operation.form ? formText(body) : JSON.stringify(body)
      return {
        operation,
        target: `${path}${query.text === '' ? '' : `?${query.text}`}`,
        args,
        body: Buffer.from(encoded),
        type:
          encoded === ''
            ? undefined
            : operation.form
              ? 'application/x-www-form-urlencoded'
              : 'application/json',
      }
    })
}

type Query = { readonly text: string; readonly args: JsonObject }

function queryOf(operation: RestOperation, mayBe: (name: string) => boolean): fc.Arbitrary<Query> {
  if (operation.query === 'any') {
    return fc
      .dictionary(
        // No member of a body: what comes in both is refused.
        key.map((name) => `only_in_the_query_${name}`).filter(mayBe),
        formValue,
        { maxKeys: 2, noNullPrototype: true },
      )
      .map((args) => ({ text: formText(args), args }))
  }
  const declared = [...operation.query].filter(([name]) => mayBe(name))
  return fc.subarray(declared).map((chosen) => {
    const args: JsonObject = {}
    const pairs = chosen.map(([name, type]) => {
      const value = type === 'integer' ? '7' : type === 'boolean' ? 'true' : 'é &7'
      args[name] =
        type === 'integer' ? 7 : type === 'boolean' ? true : type === 'list' ? [value] : value
      return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
    })
    return { text: pairs.join('&'), args }
  })
}

function bodyValue(
  operation: RestOperation,
  mayBe: (name: string) => boolean,
): fc.Arbitrary<JsonObject | undefined> {
  if (operation.body === undefined) return fc.constant(undefined)
  // Some keys are refused wherever they stand (core/json.ts).
  const json = fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => parseJson(Buffer.from(JSON.stringify({ value }))).ok)
  const value: fc.Arbitrary<JsonValue> = operation.form
    ? formValue
    : (json as fc.Arbitrary<JsonValue>)
  const names =
    operation.body === 'any'
      ? fc.uniqueArray(key.filter(mayBe), { maxLength: 3, selector: (name) => name.toLowerCase() })
      : fc.subarray([...operation.body].filter(mayBe))
  return names.chain((chosen) =>
    chosen.length === 0
      ? fc.constant(undefined)
      : fc
          .array(value, { minLength: chosen.length, maxLength: chosen.length })
          .map((given) => Object.fromEntries(chosen.map((name, i) => [name, given[i] ?? null]))),
  )
}

function formText(value: JsonObject): string {
  const pairs: string[] = []
  const write = (name: string, inner: JsonValue): void => {
    if (Array.isArray(inner)) for (const item of inner) write(`${name}[]`, item)
    else if (typeof inner === 'object' && inner !== null)
      for (const [member, one] of Object.entries(inner)) write(`${name}[${member}]`, one)
    else pairs.push(`${name}=${encodeURIComponent(String(inner))}`)
  }
  for (const [name, inner] of Object.entries(value)) write(name, inner)
  return pairs.join('&')
}

function pathOf(
  template: Template,
  values: readonly string[],
  choose: number,
  slash: '/' | '%2F',
): string {
  let next = 0
  const segments = template.parts.map((part) => {
    if ('literal' in part) return part.literal
    return (values[next++] ?? '')
      .split('/')
      .map((value) => encodeAtRandom(value, choose))
      .join(slash)
  })
  return `/${segments.join('/')}`
}

/** Encodes what must be encoded, and at random what need not be, in upper or lower case. */
function encodeAtRandom(value: string, choose: number): string {
  let state = choose
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648)
  return Array.from(value)
    .map((unit) => {
      const encoded = encodeURIComponent(unit)
      if (encoded !== unit || /[!'()*]/.test(unit))
        return next() % 2 === 0 ? encoded : encoded.toLowerCase()
      return next() % 5 === 0 ? `%${unit.charCodeAt(0).toString(16)}` : unit
    })
    .join('')
}

/** What an independent parser makes of a target: the segments, and the pairs of the query. */
function meaningOf(target: string): unknown {
  const url = new URL(target, 'https://provider.example')
  return [url.pathname.split('/').map(decodeURIComponent), [...url.searchParams]]
}

function bodyOf(bytes: Buffer | undefined, type: string | undefined): unknown {
  const sent = bytes?.toString() ?? ''
  if (sent === '') return undefined
  return type?.startsWith('application/json') === true
    ? (JSON.parse(sent) as unknown)
    : [...new URLSearchParams(sent)]
}

/** As servers read a path: decoded up to twice, with backslashes, dots and doubled slashes taken as they like to. */
function readings(path: string): readonly string[] {
  const found: string[] = []
  let seen = path
  for (let i = 0; i < 3; i++) {
    found.push(posix.normalize(seen.replaceAll('\\', '/').normalize('NFKC')))
    try {
      seen = decodeURIComponent(seen)
    } catch {
      break
    }
  }
  return found
}

function isOf(path: string, { parts }: Template): boolean {
  // The root is of no segment, as its template is.
  const segments = path === '/' ? [] : path.slice(1).split('/')
  const several = parts.some((part) => 'parameter' in part && part.type === 'slashes')
  if (several)
    return parts.every(
      (part, i) =>
        !('literal' in part) || segments.includes(part.literal) || segments[i] === part.literal,
    )
  return (
    segments.length === parts.length &&
    parts.every((part, i) => !('literal' in part) || part.literal === segments[i])
  )
}

const hostile = [
  '/',
  '//',
  '/./',
  '/../',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%5c',
  '\\',
  '%00',
  '%0d%0a',
  '%252f',
  '%25',
  ';',
  '%3b',
  '?',
  '%3f',
  '#',
  '%23',
  '%ff',
  '%c0%af',
  '%ef%bc%8f',
  '%ef%bc%8e',
  '.git',
  '@',
  ':',
  '%20',
  'a',
  '-prod',
  '&',
  '=',
  '+',
  '[',
  ']',
]
