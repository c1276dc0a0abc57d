/**
 * Compiles what a description says and what people reviewed into a catalogue: as many operations as the description
 * has, each with its effects, its ids and their roles, its conditions, and the fields of its answers that carry
 * credentials. What is unsure is in it too, denied, with the reason that a reviewer reads.
 */
import type { ResourceRole } from '../../core/operation.ts'
import type { CompiledCatalogue, CompiledOperation } from '../rest/catalogue.ts'
import { classify, type Classified } from './classify.ts'
import type { Described } from './described.ts'
import type { IdRule, Review } from './review.ts'

export { serialise } from '../rest/written.ts'

export type Explained = {
  readonly operation: CompiledOperation
  readonly classified: Classified
  /** Refused for want of review, not because a review says so. */
  readonly unreviewed: string | undefined
}

export function compileCatalogue(
  described: readonly Described[],
  review: Review,
): CompiledCatalogue {
  return {
    source: review.source,
    ...(review.everywhere === undefined ? {} : { conditions: review.everywhere }),
    ...(review.revealsAnywhere === undefined ? {} : { revealsAnywhere: review.revealsAnywhere }),
    operations: explain(described, review).map((one) => one.operation),
  }
}

/** The same, with the reasons. Throws where a name comes twice, or a review speaks of an operation that is not there. */
export function explain(described: readonly Described[], review: Review): readonly Explained[] {
  const names = new Set<string>()
  for (const { name } of described) {
    if (names.has(name)) throw new Error(`two operations are called ${name}`)
    names.add(name)
  }
  const lost = reviewedNames(review).filter((name) => !names.has(name))
  if (lost.length > 0) throw new Error(`reviewed, but not in the description: ${lost.join(', ')}`)
  return described
    .map((one) => explainOne(one, review))
    .toSorted((a, b) => (a.operation.name < b.operation.name ? -1 : 1))
}

function reviewedNames(review: Review): readonly string[] {
  const { effects, denied, conditions, reveals, also, sameAs, absent } = review
  return [
    ...[effects, denied, conditions, reveals, also, sameAs, absent].flatMap((one) =>
      Object.keys(one ?? {}),
    ),
    ...(review.public ?? []),
    ...(review.account ?? []),
    ...(review.opaqueAnswers ?? []),
  ]
}

function explainOne(described: Described, review: Review): Explained {
  const { name, method, path, parameters, body } = described
  const classified = classify(described, review)
  const ids = idsOf(described, review)
  const isPublic = review.public?.includes(name) === true
  const unreviewed =
    classified.unsure ??
    (isPublic || ids.unreviewed === undefined
      ? undefined
      : `it names an id whose role was not reviewed: ${ids.unreviewed}`)
  const denied = review.denied?.[name] ?? unreviewed
  const located = review.credentialIsEnvironment === true || ids.roles.length > 0
  const isAccount = review.account?.includes(name) === true || !located
  const same = review.sameAs?.[name]
  const query = parameters?.filter((one) => one.in === 'query')
  const reveals = revealsOf(described, review)
  const also = review.also?.[name]
  const conditions = review.conditions?.[name]
  const operation: CompiledOperation = {
    name,
    method,
    path: same === undefined ? typedTemplate(path, described, review) : path,
    ...(same === undefined ? {} : { sameAs: same }),
    ...(also === undefined ? {} : { also }),
    effects: classified.effects.join(' '),
    scope: isPublic ? 'public' : isAccount ? 'account' : 'environment',
    ...(query === undefined
      ? { query: '*' }
      : query.length === 0
        ? {}
        : {
            query: query
              .map((one) => (one.type === 'string' ? one.name : `${one.name}|${one.type}`))
              .join(' '),
          }),
    ...(body === undefined ? {} : { body: topMembers(body.members) }),
    ...(body?.form === 'form' ? { form: true } : {}),
    ...(body === undefined || body.upload.length === 0 ? {} : { upload: body.upload }),
    ...(ids.roles.length === 0 ? {} : { ids: ids.roles.join(' ') }),
    ...(reveals.length === 0 ? {} : { reveals }),
    ...(review.opaqueAnswers?.includes(name) === true ? { opaque: true } : {}),
    ...(denied === undefined ? {} : { denied }),
    ...(conditions === undefined ? {} : { conditions }),
  }
  return {
    operation,
    classified,
    unreviewed: review.denied?.[name] === undefined ? unreviewed : undefined,
  }
}

function topMembers(members: readonly string[] | undefined): string {
  if (members === undefined) return '*'
  return [...new Set(members.map((member) => member.split('.')[0] ?? member))].join(' ')
}

function typedTemplate(path: string, described: Described, review: Review): string {
  return path.replace(/\{([^}]+)\}/g, (_, name: string, offset: number) => {
    const upTo = path.slice(0, offset + name.length + 2)
    if (review.slashParameters?.includes(upTo) === true) return `{${name}|slashes}`
    const found = described.parameters?.find((one) => one.in === 'path' && one.name === name)
    return found?.type === 'integer' ? `{${name}|integer}` : `{${name}}`
  })
}

const idLike =
  /(?:^|_|\.|[a-z](?=I))(?:ids?|uuids?|urns?|arns?|refs?|Ids?|UUIDs?)$|(?:^|[._])(?:id|uuid|urn)s?\.\*$/

/**
 * The ids of an operation and their roles, `at:kind:role`. The first parameter of the path says where the operation
 * is; those behind it are inside of it, as the provider's own routes nest, unless a rule says more of them. Everything
 * else that is named like an id needs a rule.
 */
function idsOf(
  described: Described,
  review: Review,
): { readonly roles: readonly string[]; readonly unreviewed: string | undefined } {
  const roles: string[] = []
  const absent = review.absent?.[described.name]
  let unreviewed: string | undefined
  if (review.credentialIsEnvironment === true) return { roles, unreviewed }
  const take = (at: string, mustHaveRule: boolean): void => {
    const rule = ruleFor(at, described.path, review.ids ?? [])
    if (rule === undefined) {
      if (mustHaveRule) unreviewed ??= at
      return
    }
    const role: ResourceRole = rule.role ?? 'target'
    if (rule.kind !== undefined && at !== absent?.at) roles.push(`${at}:${rule.kind}:${role}`)
  }
  if (absent !== undefined) roles.push(`${absent.at}:${absent.kind}:target:${absent.means}`)
  for (const [i, match] of [...described.path.matchAll(/\{([^}]+)\}/g)].entries())
    take(match[1] ?? '', i === 0)
  for (const { name, in: where } of described.parameters ?? [])
    if (where === 'query') take(name, idLike.test(name))
  for (const member of described.body?.members ?? []) {
    const at = `body.${member}`
    take(at, idLike.test(at))
  }
  // Where the description does not say what the body holds, the rules for its path do.
  if (described.body !== undefined && described.body.members === undefined) {
    for (const { at, under } of review.ids ?? [])
      if (under !== undefined && at.startsWith('body.') && described.path.startsWith(under))
        take(at, false)
  }
  return { roles, unreviewed }
}

function ruleFor(at: string, path: string, rules: readonly IdRule[]): IdRule | undefined {
  return rules.find(
    (rule) => rule.at === at && (rule.under === undefined || path.startsWith(rule.under)),
  )
}

function revealsOf(described: Described, review: Review): readonly string[] {
  const not = new Set(review.revealsNot)
  const walked = described.reveals
    .filter((path) => !not.has(path.at(-1) ?? ''))
    .map((path) => path.join('.'))
  return [...new Set([...walked, ...(review.reveals?.[described.name] ?? [])])].toSorted()
}
