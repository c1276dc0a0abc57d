/**
 * Finds the operation that a method and a path are. The cost depends on the path's segments and not on how many
 * operations there are. A literal is preferred to a parameter, as providers route, and there is no second try: a path
 * that a literal leads into and that ends nowhere is unknown, not some other operation's parameter.
 */
import { parseTemplate, type Template } from './template.ts'

/** There are thousands of these, most with one child or none: what is absent takes no memory. */
type Node<T> = {
  literals: Map<string, Node<T>> | undefined
  parameter: Node<T> | undefined
  /** What ends here, one of each method: fewer than ten. */
  ends: readonly End<T>[]
}

/** The template stays text until a request is of it. */
type End<T> = { readonly method: string; readonly value: T; template: Template | string }

export type Trie<T> = { readonly root: Node<T> }

export type Match<T> =
  | {
      readonly kind: 'found'
      readonly value: T
      readonly template: Template
      /** By parameter of the template, in order, its segments: one each, but for a last one that takes several. */
      readonly captures: readonly (readonly string[])[]
    }
  /** The path is known, the method is not. */
  | { readonly kind: 'other_methods'; readonly methods: readonly string[] }
  /** A `/` inside a parameter that would read as another operation to a server that decodes before it routes. */
  | { readonly kind: 'ambiguous_slash' }
  | { readonly kind: 'none' }

function newNode<T>(): Node<T> {
  return { literals: undefined, parameter: undefined, ends: [] }
}

function endOf<T>(node: Node<T>, method: string): End<T> | undefined {
  return node.ends.find((end) => end.method === method)
}

function templateOf<T>(end: End<T>): Template {
  if (typeof end.template === 'string') end.template = parseTemplate(end.template)
  return end.template
}

/** Throws where two operations share a method and a shape: no request could tell them apart. */
export function buildTrie<T>(
  entries: Iterable<{ readonly method: string; readonly template: Template; readonly value: T }>,
): Trie<T> {
  const root = newNode<T>()
  // Thousands of paths have a few hundred words: each is held once.
  const words = new Map<string, string>()
  const once = (text: string): string => {
    const known = words.get(text)
    if (known === undefined) words.set(text, text)
    return known ?? text
  }
  for (const { method, template, value } of entries) {
    let node = root
    for (const part of template.parts) {
      if ('literal' in part) {
        node.literals ??= new Map()
        let next = node.literals.get(part.literal)
        if (next === undefined) node.literals.set(once(part.literal), (next = newNode()))
        node = next
      } else {
        node = node.parameter ??= newNode()
      }
    }
    if (endOf(node, method) !== undefined)
      throw new Error(`two operations are ${method} ${template.text}`)
    node.ends = [...node.ends, { method, value, template: once(template.text) }]
  }
  return { root }
}

/** `segments` are decoded, each once. */
export function match<T>(trie: Trie<T>, method: string, segments: readonly string[]): Match<T> {
  let node = trie.root
  const captures: string[][] = []
  for (const [index, segment] of segments.entries()) {
    const literal = node.literals?.get(segment)
    if (literal !== undefined) {
      node = literal
      continue
    }
    const next = node.parameter
    if (next === undefined) {
      const rest = remainder(node, method, segments.slice(index))
      if (rest === undefined) return { kind: 'none' }
      captures.at(-1)?.push(...segments.slice(index))
      return found(rest, captures)
    }
    if (readsAsAnother(node, next, segment)) return { kind: 'ambiguous_slash' }
    captures.push([segment])
    node = next
  }
  const end = endOf(node, method)
  if (end !== undefined) return found(end, captures)
  return node.ends.length === 0
    ? { kind: 'none' }
    : { kind: 'other_methods', methods: node.ends.map((other) => other.method) }
}

function found<T>(end: End<T>, captures: readonly (readonly string[])[]): Match<T> {
  return { kind: 'found', value: end.value, template: templateOf(end), captures }
}

/** What takes the remaining segments: a last parameter that may hold several, and that nothing continues. */
function remainder<T>(node: Node<T>, method: string, rest: readonly string[]): End<T> | undefined {
  if (node.literals !== undefined || rest.length === 0) return undefined
  const end = endOf(node, method)
  const last = end === undefined ? undefined : templateOf(end).parts.at(-1)
  return last !== undefined && 'parameter' in last && last.type === 'slashes' ? end : undefined
}

/**
 * `branches/x%2Fprotection` is a branch called `x/protection` to us, and the protection of `x` to a server that decodes
 * first. Where a piece of the value is a literal that could stand there, the request is not told apart safely.
 */
function readsAsAnother<T>(parent: Node<T>, node: Node<T>, segment: string): boolean {
  if (!segment.includes('/')) return false
  const [first = '', ...others] = segment.split('/')
  return (
    parent.literals?.has(first) === true ||
    others.some((piece) => node.literals?.has(piece) === true)
  )
}
