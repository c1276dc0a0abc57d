/**
 * Reads an OpenAPI 3.x or Swagger 2 description. References are followed inside the document only: whoever joins
 * several files does so before (`bundle`). A description is somebody else's text: its size, its depth and the number of
 * its references are bounded.
 */
import type { Described, DescribedBody, DescribedParameter, ParameterValue } from './described.ts'

export type Json = { readonly [key: string]: unknown }

const methods = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'] as const
const deepest = 12
const mostMembers = 2_000
/** Schemas that are looked at in all. References that are no circle still multiply; the largest we know takes 150,000. */
const mostSteps = 2_000_000

export class DescriptionError extends Error {
  override name = 'DescriptionError'
}

/** Throws DescriptionError where it is none, or an operation cannot be read. */
export function readOpenApi(document: unknown): readonly Described[] {
  if (!isObject(document) || !isObject(document['paths']))
    throw new DescriptionError('the description has no paths')
  if (document['openapi'] === undefined && document['swagger'] !== '2.0')
    throw new DescriptionError('it says neither "openapi" nor "swagger": "2.0"')
  const reader = new Reader(document)
  const base = document['swagger'] === '2.0' ? basePath(document) : serverPath(document)
  const found: Described[] = []
  for (const [path, given] of Object.entries(document['paths'])) {
    const item = reader.resolve(given)
    for (const method of methods) {
      const operation = item[method]
      if (operation === undefined) continue
      found.push(reader.operation(method, `${base}${path}`, item, reader.resolve(operation)))
    }
  }
  return found
}

function basePath(document: Json): string {
  const base = document['basePath']
  return typeof base === 'string' && base !== '/' ? base.replace(/\/$/, '') : ''
}

/** The path of the first server: what stands before every path on the provider's own host. */
function serverPath(document: Json): string {
  const [first] = list(document['servers'])
  const url = isObject(first) ? first['url'] : undefined
  if (typeof url !== 'string') return ''
  const path = /^https?:\/\/[^/]+(\/[^?#{}]*)?$/.exec(url)?.[1] ?? ''
  return path.replace(/\/$/, '')
}

class Reader {
  readonly #document: Json
  #steps = 0

  constructor(document: Json) {
    this.#document = document
  }

  operation(method: string, path: string, item: Json, operation: Json): Described {
    const parameters = this.#parameters([
      ...list(item['parameters']),
      ...list(operation['parameters']),
    ])
    const given = operation['operationId']
    const name = typeof given === 'string' && given !== '' ? given : `${method}${path}`
    const read = parameters
      .filter((one) => one['in'] === 'path' || one['in'] === 'query')
      .map((one): DescribedParameter => ({
        name: String(one['name']),
        in: one['in'] === 'path' ? 'path' : 'query',
        type: this.#type(one),
      }))
    return {
      name: name.replace(/[^A-Za-z0-9_./-]+/g, '-'),
      method: method.toUpperCase(),
      path: path.length > 1 ? path.replace(/\/$/, '') : path,
      parameters: read,
      body: this.#body(operation, parameters),
      scopes: this.#scopes(operation),
      reveals: this.#reveals(operation),
    }
  }

  /** Later ones, of the operation, replace those of the path with the same name and place. */
  #parameters(given: readonly unknown[]): readonly Json[] {
    const byPlace = new Map<string, Json>()
    for (const one of given) {
      const parameter = this.resolve(one)
      byPlace.set(`${String(parameter['in'])} ${String(parameter['name'])}`, parameter)
    }
    return [...byPlace.values()]
  }

  #type(parameter: Json): ParameterValue {
    const schema = parameter['schema'] === undefined ? parameter : this.resolve(parameter['schema'])
    const type = Array.isArray(schema['type'])
      ? schema['type'].find((one) => one !== 'null')
      : schema['type']
    if (type === 'integer' || type === 'boolean') return type
    return type === 'array' ? 'list' : 'string'
  }

  #body(operation: Json, parameters: readonly Json[]): DescribedBody | undefined {
    const swaggerBody = parameters.find((one) => one['in'] === 'body')
    if (swaggerBody !== undefined) {
      return { members: this.#members(swaggerBody['schema']), form: 'json', upload: [] }
    }
    if (parameters.some((one) => one['in'] === 'formData'))
      return { members: [], form: 'json', upload: ['multipart/form-data'] }
    if (operation['requestBody'] === undefined) return undefined
    const content = this.resolve(this.resolve(operation['requestBody'])['content'])
    const types = Object.keys(content)
    const json = types.find((type) => /^application\/(?:[a-z.-]+\+)?json\b/i.test(type))
    const form = types.find((type) => type === 'application/x-www-form-urlencoded')
    const read = json ?? form
    const upload = types.filter((type) => type !== read && type !== form)
    if (read === undefined) return { members: [], form: 'json', upload }
    return {
      members: this.#members(this.resolve(content[read])['schema']),
      form: json === undefined ? 'form' : 'json',
      upload,
    }
  }

  /** Every member that some variant of the body has, as dotted paths. Undefined where the body may be anything. */
  #members(schema: unknown): readonly string[] | undefined {
    const members = new Set<string>()
    const open = this.#walk(schema, '', members, new Set(), 0)
    return open && members.size === 0 ? undefined : [...members]
  }

  /** True where the schema does not say what its members are. */
  #walk(
    schema: unknown,
    at: string,
    into: Set<string>,
    above: ReadonlySet<unknown>,
    depth: number,
  ): boolean {
    const resolved = this.resolve(schema)
    if (depth > deepest || above.has(resolved) || into.size > mostMembers) return true
    const inside = new Set([...above, resolved])
    const { properties, items, oneOf, anyOf, allOf } = resolved
    let open = true
    if (isObject(properties)) {
      open = false
      for (const [name, member] of Object.entries(this.resolve(properties))) {
        // Answered, and not to be sent (OpenAPI 3.0, `readOnly`): a body with it is refused. Of what lies deeper nobody
        // checks the names, so that an id there needs its role all the same.
        if (at === '' && this.resolve(member)['readOnly'] === true) continue
        const path = at === '' ? name : `${at}.${name}`
        into.add(path)
        this.#walk(member, path, into, inside, depth + 1)
      }
    }
    if (items !== undefined) {
      const path = at === '' ? '*' : `${at}.*`
      into.add(path)
      this.#walk(items, path, into, inside, depth + 1)
    }
    for (const variant of [oneOf, anyOf, allOf].flatMap(list))
      open = this.#walk(variant, at, into, inside, depth + 1) && open
    return open
  }

  #scopes(operation: Json): readonly string[] {
    return list(operation['security']).flatMap((one) =>
      isObject(one) ? Object.values(one).flatMap(list).map(String) : [],
    )
  }

  /** Fields of the successful answers that are named like credentials and hold a text. */
  #reveals(operation: Json): readonly (readonly string[])[] {
    const found: string[][] = []
    for (const [status, given] of Object.entries(this.resolve(operation['responses']))) {
      if (!status.startsWith('2')) continue
      const response = this.resolve(given)
      const schemas = [
        response['schema'],
        ...Object.values(this.resolve(response['content'])).map(
          (content) => this.resolve(content)['schema'],
        ),
      ]
      for (const schema of schemas) this.#secrets(schema, [], found, new Set(), 0)
    }
    const unique = new Map(found.map((path) => [path.join('.'), path]))
    return [...unique.values()]
  }

  #secrets(
    schema: unknown,
    at: readonly string[],
    found: string[][],
    above: ReadonlySet<unknown>,
    depth: number,
  ): void {
    const resolved = this.resolve(schema)
    if (depth > deepest || above.has(resolved) || found.length > 200) return
    const inside = new Set([...above, resolved])
    const { properties, items, additionalProperties, oneOf, anyOf, allOf } = resolved
    if (isObject(properties)) {
      for (const [name, member] of Object.entries(this.resolve(properties))) {
        const path = [...at, name]
        if (secretName.test(name) && this.#holdsText(member)) found.push(path)
        else this.#secrets(member, path, found, inside, depth + 1)
      }
    }
    if (items !== undefined) this.#secrets(items, [...at, '*'], found, inside, depth + 1)
    if (isObject(additionalProperties))
      this.#secrets(additionalProperties, [...at, '*'], found, inside, depth + 1)
    for (const variant of [oneOf, anyOf, allOf].flatMap(list))
      this.#secrets(variant, at, found, inside, depth + 1)
  }

  #holdsText(schema: unknown): boolean {
    const { type, properties } = this.resolve(schema)
    const types = Array.isArray(type) ? type : [type]
    return !isObject(properties) && (types.includes('string') || type === undefined)
  }

  /** Follows `$ref` (RFC 6901 pointers into the same document); nothing is an empty object. */
  resolve(value: unknown, hops = 0): Json {
    if (++this.#steps > mostSteps)
      throw new DescriptionError('its references multiply beyond what is read')
    if (!isObject(value)) return {}
    const reference = value['$ref']
    if (typeof reference !== 'string') return value
    if (hops > 20) throw new DescriptionError(`${reference} refers to itself`)
    if (!reference.startsWith('#/'))
      throw new DescriptionError(`${reference} is outside of the document: bundle it first`)
    let target: unknown = this.#document
    for (const key of reference.slice(2).split('/')) {
      const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')
      target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined
      if (Array.isArray(target)) throw new DescriptionError(`${reference} leads through a list`)
    }
    if (target === undefined) throw new DescriptionError(`${reference} leads nowhere`)
    return this.resolve(target, hops + 1)
  }
}

const secretName =
  /(?:^|[^A-Za-z0-9]|[a-z](?=[A-Z]))(?:password|passwd|secret|token|private_?key|api_?key|access_?key|secret_?key|service_?key|jwt|credentials?|certificate_key|client_?secret|connection_?string|kubeconfig)$/i

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
