/**
 * Bounds on a document, found in linear time before anything with a worse bound sees it: an agent that sends ten
 * thousand aliases, ten thousand braces or a fragment that doubles itself forty times is answered in milliseconds.
 */
import { Kind, Lexer, Source, TokenKind } from 'graphql'
import type {
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql'

export const documentLimits = {
  /** UTF-16 units. */
  length: 256 * 1024,
  tokens: 4_000,
  /** Open braces, brackets and parentheses, together. */
  depth: 50,
  operations: 20,
  /** Fields of the whole document with every fragment expanded. */
  fields: 2_000,
  /** Fields that would be merged into one place of the answer: the validation of merging is quadratic in it. */
  merged: 16,
  /** Root fields that would run. */
  roots: 25,
  /** Ids that one request may name. */
  ids: 50,
} as const

const opening: ReadonlySet<string> = new Set([
  TokenKind.BRACE_L,
  TokenKind.BRACKET_L,
  TokenKind.PAREN_L,
])
const closing: ReadonlySet<string> = new Set([
  TokenKind.BRACE_R,
  TokenKind.BRACKET_R,
  TokenKind.PAREN_R,
])

/**
 * Scans the text with the parser's own lexer, so that the two cannot disagree about what is a string or a comment; a
 * short text with few brackets needs no scan.
 * The parser recurses once per brace: the depth has to be known before it runs. Throws GraphQLError where it does not lex.
 */
export function exceedsTokenLimits(text: string): string | undefined {
  if (text.length <= documentLimits.tokens && brackets(text) <= documentLimits.depth)
    return undefined
  const lexer = new Lexer(new Source(text))
  let tokens = 0
  let depth = 0
  for (;;) {
    const { kind } = lexer.advance()
    if (kind === TokenKind.EOF) return undefined
    if (++tokens > documentLimits.tokens)
      return `The document has more than ${documentLimits.tokens} tokens.`
    if (opening.has(kind) && ++depth > documentLimits.depth)
      return `The document is nested more than ${documentLimits.depth} deep.`
    if (closing.has(kind)) depth--
  }
}

/** How many brackets open, those in strings and comments included: the document is nested no deeper. */
function brackets(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // ( [ {
    if (unit === 0x28 || unit === 0x5b || unit === 0x7b) count++
  }
  return count
}

/** A place of the answer: how many fields are merged into it, and the places below. */
type Place = { count: number; readonly below: Map<string, Place> }

/**
 * Expands every operation, stopping at the bounds; a document with cycles, unknown or unused fragments is refused here
 * too, because what follows may take any of them for granted. Returns the sentence that refuses it.
 */
export function exceedsExpansionLimits(document: DocumentNode): string | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>()
  const operations: OperationDefinitionNode[] = []
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition)
    else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      if (fragments.has(definition.name.value)) return 'Two fragments have the same name.'
      fragments.set(definition.name.value, definition)
    } else return 'The document defines types; only operations and fragments are understood.'
  }
  if (operations.length > documentLimits.operations)
    return `The document has more than ${documentLimits.operations} operations.`

  const open = new Set<string>()
  const used = new Set<string>()
  let steps = 0

  function expand(set: SelectionSetNode, place: Place): string | undefined {
    for (const selection of set.selections) {
      // Spreads of empty-handed fragments count too: a bomb need not contain a single field.
      if (++steps > documentLimits.fields)
        return `The document has more than ${documentLimits.fields} fields once its fragments are expanded.`
      let refusal: string | undefined
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        let here = place.below.get(key)
        if (here === undefined) place.below.set(key, (here = { count: 0, below: new Map() }))
        if (++here.count > documentLimits.merged)
          return `The document names one place of the answer more than ${documentLimits.merged} times.`
        if (selection.selectionSet !== undefined) refusal = expand(selection.selectionSet, here)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        refusal = expand(selection.selectionSet, place)
      } else {
        const name = selection.name.value
        const fragment = fragments.get(name)
        if (fragment === undefined)
          return 'The document spreads a fragment that it does not define.'
        if (open.has(name)) return 'The document has a fragment that contains itself.'
        used.add(name)
        open.add(name)
        refusal = expand(fragment.selectionSet, place)
        open.delete(name)
      }
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  for (const operation of operations) {
    const refusal = expand(operation.selectionSet, { count: 0, below: new Map() })
    if (refusal !== undefined) return refusal
  }
  if (used.size !== fragments.size) return 'The document defines a fragment that nothing uses.'
  return undefined
}
