/**
 * The catalogue of AWS: one file per service, each read at its first use. It is data, compiled by `compile.ts` from the
 * services' own models and our review of them; the digest of all files is the catalogue's version.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Condition } from '../../core/condition.ts'
import type { Effect, OperationScope } from '../../core/operation.ts'
import type { CatalogueEntry } from '../adapter.ts'
import { services, type ServiceName } from './hosts.ts'
import { loadShapes, type CompiledShapes, type Shapes } from './shape.ts'

export type Protocol = 'ec2' | 'query' | 'json' | 'rest-xml'

/** Absent members mean none. */
export type CompiledOperation = {
  /** `ec2/TerminateInstances`. */
  readonly name: string
  /** The name of the input's shape. */
  readonly input?: string
  /** Separated by spaces, the base effect first. */
  readonly effects: string
  /** Why it is refused whoever asks. */
  readonly denied?: string
  /** It touches what its arguments name and nothing else, so that less than the account can hold it. */
  readonly contained?: true
  /** It touches more than one account: no environment holds it. */
  readonly beyond?: true
  readonly conditions?: readonly Condition[]
  /** S3: `GET /{Bucket}/{Key+}?uploadId`, with the query parameters that tell it from others. */
  readonly http?: string
}

/** How ids of one kind are resolved: see `kinds.ts`. */
export type CompiledKind = {
  /** Of the id, without its last dash. */
  readonly prefix?: string
  /** The name of an argument that holds such an id, in the singular. */
  readonly member?: string
  readonly action: string
  /** What holds the id in the question: a parameter, or else a filter. */
  readonly parameter?: string
  readonly filter?: string
  /** The members of the answer, from its root. */
  readonly items: string
  /** Below one member; more than one stands there where the id is of a part of it. */
  readonly id: string
  /** Below one member: the number of an account, or an ARN that has it. All of them count; absent means the asking one. */
  readonly owners?: readonly string[]
}

export type CompiledService = {
  readonly source: string
  readonly protocol: Protocol
  readonly version: string
  readonly shapes: CompiledShapes
  readonly operations: readonly CompiledOperation[]
  /** EC2: how ids are resolved. */
  readonly kinds?: readonly CompiledKind[]
}

export type AwsOperation = {
  readonly name: string
  readonly input: string | undefined
  readonly effects: readonly Effect[]
  readonly scope: OperationScope
  readonly denied: string | undefined
  readonly contained: boolean
  readonly conditions: readonly Condition[]
  readonly http: string | undefined
}

export type Service = {
  readonly name: ServiceName
  readonly protocol: Protocol
  /** `2016-11-15`: what a form's `Version` must say. */
  readonly version: string
  readonly shapes: Shapes
  /** By the name that its own protocol uses: `TerminateInstances`. */
  readonly operations: ReadonlyMap<string, AwsOperation>
  readonly kinds: readonly CompiledKind[]
}

const names = Object.keys(services) as ServiceName[]
const loaded = new Map<ServiceName, Service>()
let version: string | undefined

export function awsService(name: ServiceName): Service {
  let service = loaded.get(name)
  if (service === undefined) loaded.set(name, (service = load(name)))
  return service
}

function load(name: ServiceName): Service {
  const compiled = JSON.parse(textOf(name).toString()) as CompiledService
  return {
    name,
    protocol: compiled.protocol,
    version: compiled.version,
    shapes: loadShapes(compiled.shapes),
    kinds: compiled.kinds ?? [],
    operations: new Map(
      compiled.operations.map((one): [string, AwsOperation] => [
        one.name.slice(name.length + 1),
        {
          name: one.name,
          input: one.input,
          effects: one.effects.split(' ') as Effect[],
          scope: one.beyond === true ? 'account' : 'environment',
          denied: one.denied,
          contained: one.contained ?? false,
          conditions: one.conditions ?? [],
          http: one.http,
        },
      ]),
    ),
  }
}

function textOf(name: ServiceName): Buffer {
  return readFileSync(new URL(`catalogue/${name}.json`, import.meta.url))
}

export function awsVersion(): string {
  if (version === undefined) {
    const digest = createHash('sha256')
    for (const name of names) digest.update(textOf(name))
    version = digest.digest('hex')
  }
  return version
}

export function* awsEntries(): Iterable<CatalogueEntry> {
  for (const name of names)
    for (const operation of awsService(name).operations.values()) yield entry(operation)
}

/** `ec2/TerminateInstances`. */
export function findEntry(name: string): CatalogueEntry | undefined {
  const slash = name.indexOf('/')
  const service = names.find((one) => one === name.slice(0, slash))
  if (service === undefined) return undefined
  const operation = awsService(service).operations.get(name.slice(slash + 1))
  return operation === undefined ? undefined : entry(operation)
}

function entry({ name, effects, scope, denied }: AwsOperation): CatalogueEntry {
  return { name, effects, scope, ...(denied === undefined ? {} : { denied: true }) }
}
