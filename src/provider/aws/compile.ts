/**
 * Compiles `catalogue/<service>.json` from the services' own models and our review of them:
 * `node src/provider/aws/compile.ts <folder>`, where the folder has `<service>.json.gz`, as botocore ships them. Only facts
 * are taken (names, protocols, methods, paths, members and their types), no sentence.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CompiledOperation, CompiledService, Protocol } from './catalogue.ts'
import { compileKinds } from './compile-kinds.ts'
import { conditions } from './conditions.ts'
import { effectsOf, harmless } from './effects.ts'
import { services, type ServiceName } from './hosts.ts'
import {
  readModel,
  type Model,
  type ModelOperation,
  type ModelReference,
  type ModelShape,
} from './model.ts'
import { beyond, contained, denied, effectOverrides } from './overrides.ts'
import type { CompiledShape } from './shape.ts'

const scalars: Readonly<Record<string, string>> = {
  string: 's',
  character: 's',
  integer: 'i',
  long: 'i',
  boolean: 'b',
  double: 'd',
  float: 'd',
  timestamp: 't',
  blob: 'x',
}
const locationLetters: Readonly<Record<string, string>> = {
  uri: 'u',
  querystring: 'q',
  header: 'h',
  headers: 'H',
}

export function compile(service: ServiceName, model: Model): CompiledService {
  const protocol = model.metadata.protocol as Protocol
  const shapes: Record<string, CompiledShape> = {}
  const operations = Object.entries(model.operations)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, operation]) => {
      if (operation.input !== undefined) collect(model, protocol, operation.input.shape, shapes)
      return compileOne(service, name, operation, model)
    })
  const lost = reviewedNames(service).filter((name) => model.operations[name] === undefined)
  if (lost.length > 0) throw new Error(`reviewed, but not in the model: ${lost.join(', ')}`)
  const { apiVersion } = model.metadata
  return {
    source: `botocore ${service} ${apiVersion}`,
    protocol,
    version: apiVersion,
    shapes,
    operations,
    ...(service === 'ec2' ? { kinds: compileKinds(model) } : {}),
  }
}

function reviewedNames(service: ServiceName): readonly string[] {
  const keys = [effectOverrides, conditions, denied].flatMap((table) => Object.keys(table))
  return [...keys, ...contained, ...beyond]
    .filter((name) => name.startsWith(`${service}/`))
    .map((name) => name.slice(service.length + 1))
}

function compileOne(
  service: ServiceName,
  own: string,
  { http, input, output }: ModelOperation,
  model: Model,
): CompiledOperation {
  const name = `${service}/${own}`
  const revealing = output !== undefined && reveals(model, output.shape, new Set())
  const given =
    effectOverrides[name] ?? effectsOf({ service, name: own, method: http.method, revealing })
  const reason =
    denied[name] ?? (given === undefined ? 'what it does has not been reviewed' : undefined)
  const whens = conditions[name]
  return {
    name,
    ...(input === undefined ? {} : { input: input.shape }),
    effects: (given ?? ['write', 'destructive', 'secret', 'admin']).join(' '),
    ...(reason === undefined ? {} : { denied: reason }),
    ...(contained.has(name) || isContained(service, own) ? { contained: true as const } : {}),
    ...(beyond.has(name) ? { beyond: true as const } : {}),
    ...(whens === undefined ? {} : { conditions: whens }),
    ...(service === 's3' ? { http: `${http.method} ${http.requestUri}` } : {}),
  }
}

/** S3 and DynamoDB name the bucket or the table of almost everything they do. */
function isContained(service: ServiceName, own: string): boolean {
  return service === 's3' || (service === 'dynamodb' && !own.startsWith('List'))
}

/** Whether an answer of this shape has a field that the model calls sensitive. */
function reveals(model: Model, name: string, seen: Set<string>): boolean {
  if (seen.has(name)) return false
  seen.add(name)
  const { members = {}, member, key, value } = shapeOf(model, name)
  for (const [field, reference] of Object.entries(members)) {
    const { sensitive, type } = shapeOf(model, reference.shape)
    if (sensitive === true && scalars[type] !== undefined && !harmless.has(field)) return true
    if (reveals(model, reference.shape, seen)) return true
  }
  return [member, key, value].some((one) => one !== undefined && reveals(model, one.shape, seen))
}

function collect(
  model: Model,
  protocol: Protocol,
  name: string,
  into: Record<string, CompiledShape>,
): void {
  const shape = shapeOf(model, name)
  if (scalars[shape.type] !== undefined || into[name] !== undefined) return
  const { members = {}, member, key, value } = shape
  if (member !== undefined) {
    const reference = typeText(model, member.shape, member.locationName)
    into[name] = shape.flattened === true || protocol === 'ec2' ? [reference, 1] : [reference]
  } else if (key !== undefined && value !== undefined) {
    into[name] = [
      typeText(model, key.shape, key.locationName),
      typeText(model, value.shape, value.locationName),
    ]
  } else {
    const texts: Record<string, string> = {}
    into[name] = texts
    for (const [own, reference] of Object.entries(members)) {
      texts[own] = memberText(model, protocol, shape, own, reference)
    }
  }
  for (const one of [member, key, value, ...Object.values(members)])
    if (one !== undefined) collect(model, protocol, one.shape, into)
}

function memberText(
  model: Model,
  protocol: Protocol,
  holder: ModelShape,
  own: string,
  reference: ModelReference,
): string {
  const given = protocol === 'json' ? undefined : reference.locationName
  // EC2 writes the names of its parameters with a capital, whatever the model's own case (botocore's Ec2Serializer).
  const wire =
    protocol === 'ec2'
      ? (reference.queryName ??
        (given === undefined ? undefined : given[0]?.toUpperCase() + given.slice(1)))
      : given
  // The root of an XML body is named by its shape where its member does not name it.
  const payload = holder.payload === own
  const named = wire ?? (payload ? shapeOf(model, reference.shape).locationName : undefined)
  const text = typeText(model, reference.shape, named === own ? undefined : named)
  const letter = payload
    ? 'p'
    : reference.xmlAttribute === true
      ? 'a'
      : locationLetters[reference.location ?? '']
  const required = protocol === 'rest-xml' && holder.required?.includes(own) === true
  return `${text}${letter === undefined ? '' : `|${letter}`}${required ? '!' : ''}`
}

function typeText(model: Model, name: string, wire: string | undefined): string {
  const type = scalars[shapeOf(model, name).type] ?? name
  return wire === undefined ? type : `${type}@${wire}`
}

function shapeOf(model: Model, name: string): ModelShape {
  const shape = model.shapes[name]
  if (shape === undefined) throw new Error(`the model has no shape ${name}`)
  return shape
}

/** One operation, one shape and one kind a line, so that a review sees what a new model changes. */
export function serialise({ shapes, operations, kinds, ...head }: CompiledService): string {
  const shapeLines = Object.entries(shapes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => `${JSON.stringify(name)}:${JSON.stringify(shape)}`)
  const lines = operations.map((operation) => JSON.stringify(operation))
  const kindLines = kinds?.map((kind) => JSON.stringify(kind)).join(',\n')
  const tail = kindLines === undefined ? '' : `,"kinds":[\n${kindLines}\n]`
  return `${JSON.stringify(head).slice(0, -1)},"shapes":{\n${shapeLines.join(',\n')}\n},"operations":[\n${lines.join(',\n')}\n]${tail}}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('which folder has the models?')
  mkdirSync(new URL('catalogue', import.meta.url), { recursive: true })
  for (const service of Object.keys(services) as ServiceName[]) {
    const compiled = compile(service, readModel(join(folder, `${service}.json.gz`)))
    writeFileSync(new URL(`catalogue/${service}.json`, import.meta.url), serialise(compiled))
  }
}
