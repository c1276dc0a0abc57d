/**
 * What an operation's arguments name: ids, ARNs, accounts, tables, buckets and databases, wherever in them they stand.
 * An id is known by its own form and not by the argument that holds it, so that one in a place where nobody looks for it
 * is found too. What names nothing that can be told apart belongs to the account.
 *
 * Kinds: `account` (empty id: the credential's own), `arn`, `bucket`, `id` (EC2's, such as `i-0a1b…`), `table`,
 * `database` and `cluster` (RDS).
 */
import type { JsonObject, JsonValue, ResourceRef } from '../../core/operation.ts'
import type { AwsOperation, Service } from './catalogue.ts'
import { kindOf, prefixOf } from './kinds.ts'
import { isScalar, type Reference } from './shape.ts'

/** EC2’s ids: a prefix, and 8 or 17 hex digits; in capitals they are found, and then resolve to nothing. */
const idForm = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*-(?:[0-9a-f]{8}|[0-9a-f]{17})$/i
const accountForm = /^[0-9]{12}$|^[0-9]{4}-[0-9]{4}-[0-9]{4}$/
/** Members whose value may be the number of an account. */
const accountMember = /account|owner|principal|user|organization/i
/** They narrow an answer, or guard a request: naming something there touches nothing. */
const harmless = new Set([
  'ExpectedBucketOwner',
  'ExpectedSourceBucketOwner',
  'Filters',
  'Metadata',
  'TagSpecifications',
  'Tags',
])
/** Services where nothing else is written in twelve digits. */
const numbered = new Set(['ec2', 'iam', 'rds', 'sts'])
/** Members that end in Id and name nothing that lives in an environment. */
const plainIds =
  /^(?:AvailabilityZoneIds?|ClientToken|KmsKeyId|NextToken|Owner.*|.*AccountIds?|UserIds?|TagSet)$/
const idMember = /(?:Ids?|Resources)$/

const tableMembers = new Set([
  'TableName',
  'TableArn',
  'SourceTableName',
  'TargetTableName',
  'GlobalTableName',
])
/** DynamoDB's data: a text in it is what someone stored, whatever it looks like. */
const dataShape = 'AttributeValue'
const databaseMembers: Readonly<Record<string, string>> = {
  DBInstanceIdentifier: 'database',
  DBClusterIdentifier: 'cluster',
}

const pages = ['Marker', 'NextToken']

const ownAccount: ResourceRef = { kind: 'account', id: '', role: 'container', path: '' }

export function resourcesOf(
  service: Service,
  operation: AwsOperation,
  args: JsonObject,
  source: string | undefined,
): readonly ResourceRef[] {
  const found = new Map<string, ResourceRef>()
  const add = (kind: string, id: string, path: string): void => {
    found.set(`${kind} ${id}`, { kind, id, role: 'target', path })
  }
  let unknown = false

  function visit(
    value: JsonValue,
    { type }: Pick<Reference, 'type'>,
    name: string,
    path: string,
  ): void {
    if (value === null || type === dataShape || harmless.has(name)) return
    if (typeof value === 'string') {
      if (service.name === 'dynamodb' && tableMembers.has(name)) add('table', value, path)
      else if (/^arn:/i.test(value)) add('arn', value, path)
      else if (/Bucket(?:Name)?$/.test(name)) add('bucket', value, path)
      else if (accountForm.test(value) && (numbered.has(service.name) || accountMember.test(name)))
        add('account', value.replaceAll('-', ''), path)
      else if (service.name === 'ec2' || service.name === 'rds') visitName(value, name, path)
      return
    }
    const shape = isScalar(type) ? undefined : service.shapes.get(type)
    if (typeof value !== 'object' || shape === undefined) return
    if (shape.kind === 'list') {
      for (const [i, one] of (value as readonly JsonValue[]).entries())
        visit(one, shape.member, name, `${path}.${i}`)
      return
    }
    for (const [key, one] of Object.entries(value)) {
      const at = path === '' ? key : `${path}.${key}`
      if (shape.kind === 'map') {
        // The keys of the batches' map are the names of tables.
        if (name === 'RequestItems') add('table', key, at)
        visit(one, shape.value, name, at)
        continue
      }
      const member = shape.members.get(key)
      if (member !== undefined) visit(one, member, key, at)
    }
  }

  function visitName(value: string, name: string, path: string): void {
    const database = service.name === 'rds' ? databaseMembers[name] : undefined
    if (database !== undefined) add(database, value.toLowerCase(), path)
    else if (idForm.test(value)) add('id', value, path)
    // A name in place of an id, such as one that is looked up elsewhere: it is not one that can be resolved.
    else if (idMember.test(name) && !plainIds.test(name)) unknown = true
  }

  if (operation.input !== undefined) visit(args, { type: operation.input }, '', '')
  if (source !== undefined) add('bucket', source, 'CopySource')
  const targets = [...found.values()]
  // Where a listing goes on is said by a text of AWS's own, whatever ids stand beside it.
  const goesOn = service.name !== 's3' && pages.some((name) => Object.hasOwn(args, name))
  const whole =
    !operation.contained || unknown || goesOn || !targets.some(({ kind }) => narrow.has(kind))
  return whole ? [ownAccount, ...targets] : targets
}

/** What is said of ids that nothing can be asked about; locating denies them besides. */
export function unresolvable(resources: readonly ResourceRef[]): readonly string[] {
  const prefixes = resources.flatMap(({ kind, id, path }) =>
    kind === 'id' && kindOf(id, path) === undefined ? [prefixOf(id).slice(0, 40)] : [],
  )
  return [...new Set(prefixes)].map(
    (prefix) =>
      `EC2 has no question that says whose an id ${prefix}-… in this argument is, so that it cannot be resolved`,
  )
}

/** Kinds that less than an account can hold. */
const narrow = new Set(['arn', 'bucket', 'cluster', 'database', 'id', 'table'])
