/**
 * How an id of EC2 is resolved: the question that lists it, and where in the answer it stands whose it is. A kind without
 * an owner is never shared with another account, so that being listed proves it. The kinds are data of the catalogue,
 * compiled from the reviewed table of `ec2-kinds.ts`. A wrong kind resolves nothing: the answer must have the id in it.
 */
import { awsService, type CompiledKind } from './catalogue.ts'

type Kinds = {
  readonly byPrefix: ReadonlyMap<string, CompiledKind>
  readonly byMember: ReadonlyMap<string, CompiledKind>
}

let loaded: Kinds | undefined

function load(): Kinds {
  const byPrefix = new Map<string, CompiledKind>()
  const byMember = new Map<string, CompiledKind | undefined>()
  for (const kind of awsService('ec2').kinds) {
    const { prefix, member } = kind
    if (prefix !== undefined) byPrefix.set(prefix, kind)
    // A name that several kinds go by, such as GroupId, tells none.
    if (member !== undefined) byMember.set(member, byMember.has(member) ? undefined : kind)
  }
  const alone = [...byMember].flatMap(([name, kind]) =>
    kind === undefined ? [] : [[name, kind] as const],
  )
  return { byPrefix, byMember: new Map(alone) }
}

/** By the id's own form, and by the argument that it stands in where that says nothing. `path`: `SecondaryInterfaceIds.0`. */
export function kindOf(id: string, path: string): CompiledKind | undefined {
  loaded ??= load()
  return loaded.byPrefix.get(prefixOf(id)) ?? loaded.byMember.get(memberOf(path))
}

/** `vpce-svc` of `vpce-svc-0a1b2c3d`. */
export function prefixOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'))
}

function memberOf(path: string): string {
  const name = path.split('.').findLast((part) => !/^[0-9]+$/.test(part)) ?? ''
  return name.replace(/Id(?:s|Set)$/, 'Id')
}

/** The fields of the question about one id. */
export function questionAbout(
  { parameter, filter }: CompiledKind,
  id: string,
): Readonly<Record<string, string>> {
  if (parameter !== undefined) return { [parameter]: id }
  return { 'Filter.1.Name': filter ?? '', 'Filter.1.Value.1': id }
}
