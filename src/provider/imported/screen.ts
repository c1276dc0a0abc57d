/**
 * Looks at what a description says before it becomes a catalogue that decides. Against a description whose author would
 * have one request read as two operations, or an argument hide behind another: whatever cannot be told apart, or cannot
 * be spelled in a catalogue without becoming something else, is listed, denied, and never found.
 */
import type { Described } from '../compile/described.ts'

export type Screened = {
  readonly described: Described
  /** Why no request is ever this operation. */
  readonly unmatched: string | undefined
  /** Why it waits for a review, although it can be told from the others. */
  readonly doubt: string | undefined
}

/** What a verb can spell (core/grant). */
const operationName = /^[A-Za-z_][A-Za-z0-9_./-]{0,199}$/
/** RFC 3986's unreserved characters and the few that no server takes for anything else. */
const literal = /^[A-Za-z0-9._~!$'()*+,=:@-]+$/
const parameterName = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/
const argumentName = /^[A-Za-z0-9_.$@[\]-]{1,200}$/
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

export function screen(given: readonly Described[]): readonly Screened[] {
  const described = named(given)
  const shapes = new Map<string, number>()
  for (const one of described) shapes.set(shapeOf(one), (shapes.get(shapeOf(one)) ?? 0) + 1)
  const screened = described.map((one): Screened => ({
    described: one,
    unmatched:
      unreadable(one) ??
      ((shapes.get(shapeOf(one)) ?? 0) > 1
        ? 'another operation has a path of the same form, and which is meant cannot be told'
        : undefined),
    doubt: doubtAbout(one),
  }))
  const hidden = new Map<string, string[][]>()
  for (const { described: one, unmatched } of screened) {
    if (unmatched === undefined) continue
    const segments = segmentsOf(one.path)
    const key = `${routed(one.method)} ${String(segments.length)}`
    hidden.set(key, [...(hidden.get(key) ?? []), [...segments]])
  }
  return screened.map((one) => {
    const { method, path } = one.described
    const segments = segmentsOf(path)
    const others = hidden.get(`${routed(method)} ${String(segments.length)}`) ?? []
    if (one.unmatched !== undefined || !others.some((other) => readsAs(segments, other))) return one
    return {
      ...one,
      doubt: 'a request to an operation that cannot be told apart would be taken for it',
    }
  })
}

/** A HEAD is decided on as the GET it stands for. */
function routed(method: string): string {
  return method === 'HEAD' ? 'GET' : method
}

/** Every operation under a name of its own that a verb can spell. */
function named(given: readonly Described[]): readonly Described[] {
  const counts = new Map<string, number>()
  for (const { name } of given) counts.set(name, (counts.get(name) ?? 0) + 1)
  const used = new Set<string>()
  return given.map((one) => {
    const own =
      (counts.get(one.name) ?? 0) > 1
        ? `${one.name}/${one.method.toLowerCase()}${one.path.replace(/[^A-Za-z0-9_./-]+/g, '-')}`
        : one.name
    const spelled = operationName.test(own) ? own : `_${own}`.slice(0, 200)
    let name = spelled
    for (let n = 2; used.has(name); n++) name = `${spelled.slice(0, 190)}-${String(n)}`
    used.add(name)
    return { ...one, name }
  })
}

function segmentsOf(path: string): readonly string[] {
  const bare = path.split(/[?#]/, 1)[0] ?? ''
  return bare.split('/').slice(1)
}

function shapeOf({ method, path }: Described): string {
  return `${routed(method)} ${path.replace(/\{[^}]*\}/g, '{}')}`
}

/** Whether a path of the form `other` could be matched by this template. */
function readsAs(template: readonly string[], other: readonly string[]): boolean {
  return template.every((segment, i) => {
    const theirs = other[i] ?? ''
    if (segment.startsWith('{')) return true
    const [before = ''] = theirs.split('{', 1)
    const after = theirs.includes('}') ? theirs.slice(theirs.lastIndexOf('}') + 1) : theirs
    return segment.startsWith(before) && segment.endsWith(after)
  })
}

function unreadable(one: Described): string | undefined {
  if (!knownMethods.has(one.method)) return 'its method is none that is forwarded'
  if (!one.path.startsWith('/')) return 'its path does not begin with "/"'
  if (one.path.length > 2_000) return 'its path is too long'
  const names = new Set<string>()
  for (const segment of one.path === '/' ? [] : one.path.slice(1).split('/')) {
    const parameter = /^\{([^{}]*)\}$/.exec(segment)?.[1]
    if (parameter === undefined) {
      if (!literal.test(segment) || /^\.{1,2}$/.test(segment))
        return 'its path has a segment that is neither plain text nor one parameter'
      continue
    }
    if (!parameterName.test(parameter) || parameter === 'body')
      return 'its path has a parameter whose name cannot be kept apart from the others'
    if (names.has(parameter)) return 'its path has two parameters of one name'
    names.add(parameter)
  }
  const { parameters = [], body } = one
  for (const { in: where, name } of parameters) {
    if (where !== 'query') continue
    if (!argumentName.test(name))
      return 'its query has a parameter whose name cannot be written down'
    if (name === 'body' || names.has(name))
      return 'its query has a parameter of the name of another argument'
  }
  const odd = body?.members?.find((member) =>
    member.split('.').some((piece) => piece !== '*' && !argumentName.test(piece)),
  )
  if (odd !== undefined) return 'its body has a member whose name cannot be written down'
  if (body?.upload.some((type) => !/^[A-Za-z0-9.*+-]+\/[A-Za-z0-9.*+-]+$/.test(type)) === true)
    return 'its body has a media type that cannot be read'
  return undefined
}

function doubtAbout({ reveals }: Described): string | undefined {
  return reveals.some((path) => path.some((key) => !/^(?:\*|[A-Za-z0-9_$@ -]+)$/.test(key)))
    ? 'a field of its answer that is named like a credential cannot be redacted'
    : undefined
}
