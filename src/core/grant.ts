/**
 * Verbs: what a grant or a capability lists.
 *
 * - `volumeCreate`            an operation by name: covers that operation's own effects
 * - `mutation:x`, `query:x`   the same, where a name exists twice
 * - `variableCollectionUpsert+destructive`   also covers that added effect, for that operation alone
 * - `read`, `read+secret`     an effect set: covers operations all of whose effects are listed
 * - `volume*`                 a prefix: covers only base effects
 *
 * No regular expressions: a verb must mean the same to everyone who reads it.
 */
import type { ArgumentTest } from './condition.ts'
import { effects, type Effect, type Invocation } from './operation.ts'

export type Verb = string

export type ApprovalRule = 'never' | 'destructive' | 'always'

/** What an argument must be. An argument that is absent meets no constraint. */
export type Constraint = Pick<
  ArgumentTest,
  'path' | 'equals' | 'oneOf' | 'noneOf' | 'max' | 'min'
> & {
  /** The operations it applies to, by name; all of them where absent. */
  readonly operations?: readonly string[]
}

export type ParsedVerb =
  | { readonly kind: 'effects'; readonly effects: readonly Effect[] }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | {
      readonly kind: 'operation'
      readonly name: string
      readonly root: Invocation['root']
      readonly added: readonly Effect[]
    }

const operationName = /^[A-Za-z_][A-Za-z0-9_./-]*$/
const roots = ['query', 'mutation', 'subscription'] as const

function isEffect(text: string): text is Effect {
  return (effects as readonly string[]).includes(text)
}

/** Reads one verb, or says in a sentence why it is none. */
export function parseVerb(verb: Verb): ParsedVerb | { readonly error: string } {
  if (verb.length === 0 || verb.length > 200) return { error: 'a verb has 1 to 200 characters' }
  const [head = '', ...rest] = verb.split('+')
  const added: Effect[] = []
  for (const name of rest) {
    if (!isEffect(name)) return { error: `"${name}" is not an effect (${effects.join(', ')})` }
    if (added.includes(name)) return { error: `the effect "${name}" is named twice` }
    added.push(name)
  }
  if (isEffect(head)) {
    if (added.includes(head)) return { error: `the effect "${head}" is named twice` }
    return { kind: 'effects', effects: [head, ...added] }
  }
  if (head.endsWith('*')) {
    const prefix = head.slice(0, -1)
    if (added.length > 0)
      return { error: 'a prefix covers only base effects; name the operation to add one' }
    if (!operationName.test(prefix))
      return { error: 'a prefix is the beginning of an operation name, followed by one *' }
    return { kind: 'prefix', prefix }
  }
  const colon = head.indexOf(':')
  const root = colon === -1 ? undefined : roots.find((name) => name === head.slice(0, colon))
  if (colon !== -1 && root === undefined)
    return { error: 'only query:, mutation: or subscription: may stand before a name' }
  const name = colon === -1 ? head : head.slice(colon + 1)
  if (!operationName.test(name))
    return { error: 'an operation name has letters, digits and _ . / - only' }
  return { kind: 'operation', name, root, added }
}

const parsedVerbs = new Map<Verb, ParsedVerb | { readonly error: string }>()

function parsed(verb: Verb): ParsedVerb | { readonly error: string } {
  let result = parsedVerbs.get(verb)
  if (result === undefined) {
    result = parseVerb(verb)
    // Verbs come from grants, which admins write; the bound is for a capability signed with a stolen key.
    if (parsedVerbs.size < 10_000) parsedVerbs.set(verb, result)
  }
  return result
}

/** Whether one verb covers one invocation, with all of its effects. A verb that cannot be read covers nothing. */
export function verbCovers(verb: Verb, invocation: Invocation): boolean {
  const v = parsed(verb)
  if ('error' in v) return false
  const all = [...invocation.effects, ...invocation.added]
  switch (v.kind) {
    case 'effects':
      return all.every((effect) => v.effects.includes(effect))
    case 'prefix':
      return (
        bareName(invocation).startsWith(v.prefix) &&
        all.every((effect) => effect === 'read' || effect === 'write')
      )
    case 'operation':
      if (!names(v, invocation)) return false
      return invocation.added.every(
        (effect) => invocation.effects.includes(effect) || v.added.includes(effect),
      )
  }
}

/** Whether it covers the invocation because it names the operation, and not as one of a set or of a prefix. */
export function verbNames(verb: Verb, invocation: Invocation): boolean {
  const v = parsed(verb)
  return !('error' in v) && v.kind === 'operation' && verbCovers(verb, invocation)
}

function bareName(invocation: Invocation): string {
  const colon = invocation.operation.indexOf(':')
  return colon === -1 ? invocation.operation : invocation.operation.slice(colon + 1)
}

/** A name that exists twice is catalogued as `query:x` and `mutation:x`; a bare `x` then names neither. */
function names(verb: { name: string; root: Invocation['root'] }, invocation: Invocation): boolean {
  if (verb.root === undefined) return invocation.operation === verb.name
  return invocation.root === verb.root && bareName(invocation) === verb.name
}

/** The narrowest verb that would cover this invocation: what a refused agent should ask for. */
export function verbFor(invocation: Invocation): Verb {
  const extra = invocation.added.filter((effect) => !invocation.effects.includes(effect))
  return [invocation.operation, ...extra].join('+')
}

/** What the catalogue says of a name, so that a verb can be compared with another before any request exists. */
export type FindOperation = (
  name: string,
) =>
  | (Pick<Invocation, 'operation' | 'effects'> & { readonly root?: Invocation['root'] })
  | 'ambiguous'
  | undefined

/** Whether everything that `asked` covers is covered by one of `granted` (I4: never wider). */
export function verbWithin(asked: Verb, granted: readonly Verb[], find: FindOperation): boolean {
  if (granted.includes(asked)) return true
  const a = parsed(asked)
  if ('error' in a) return false
  return granted.some((verb) => {
    const g = parsed(verb)
    if ('error' in g) return false
    switch (a.kind) {
      case 'effects':
        return g.kind === 'effects' && a.effects.every((effect) => g.effects.includes(effect))
      case 'prefix':
        if (g.kind === 'prefix') return a.prefix.startsWith(g.prefix)
        return g.kind === 'effects' && g.effects.includes('read') && g.effects.includes('write')
      case 'operation': {
        const found = find(a.root === undefined ? a.name : `${a.root}:${a.name}`) ?? find(a.name)
        if (found === undefined || found === 'ambiguous') return false
        return verbCovers(verb, {
          operation: found.operation,
          ...(found.root === undefined ? {} : { root: found.root }),
          effects: found.effects,
          added: a.added,
          scope: 'environment',
          arguments: {},
          resources: [],
          widens: [],
        })
      }
    }
  })
}
