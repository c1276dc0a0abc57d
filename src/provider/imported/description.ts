/**
 * Reads the text of a description, whatever it is: OpenAPI 3.x or Swagger 2 in JSON or YAML, a list of
 * `[method, path, operation]`, a GraphQL schema. The text is somebody else's: nothing it holds is repeated in an error
 * but by position, and its size, its aliases and the number of its operations are bounded.
 */
import { parse as parseYaml, YAMLParseError } from 'yaml'
import type { Described } from '../compile/described.ts'
import { readList } from '../compile/list.ts'
import { DescriptionError, readOpenApi } from '../compile/openapi.ts'
import { plain } from '../compile/report.ts'

/** In characters; what comes over HTTP is bounded by its body already. */
export const longestDescription = 64 * 1024 * 1024
export const mostOperations = 20_000

export type DescriptionKind = 'openapi' | 'list' | 'graphql'

export function readDescription(text: string, kind: 'openapi' | 'list'): readonly Described[] {
  if (text.length > longestDescription)
    throw new DescriptionError(`it is longer than ${String(longestDescription)} characters`)
  const document = readText(text)
  const described = kind === 'list' ? readRows(document) : readOpenApi(document)
  if (described.length === 0) throw new DescriptionError('it has no operations')
  if (described.length > mostOperations)
    throw new DescriptionError(
      `it has ${String(described.length)} operations; ${String(mostOperations)} are read`,
    )
  return described
}

function readRows(document: unknown): readonly Described[] {
  try {
    return readList(document)
  } catch (error) {
    throw new DescriptionError(error instanceof Error ? plain(error.message) : 'it is no list')
  }
}

function readText(text: string): unknown {
  // A byte order mark is not part of either language.
  const bare = text.startsWith('\ufeff') ? text.slice(1) : text
  if (/^\s*[{[]/.test(bare)) {
    try {
      return JSON.parse(bare) as unknown
    } catch {
      // A flow mapping of YAML may begin so too.
    }
  }
  try {
    return parseYaml(bare, {
      maxAliasCount: 100,
      uniqueKeys: true,
      prettyErrors: true,
      logLevel: 'error',
    }) as unknown
  } catch (error) {
    const [at] = error instanceof YAMLParseError ? (error.linePos ?? []) : []
    throw new DescriptionError(
      at === undefined
        ? 'it is neither JSON nor YAML that can be read'
        : `it is neither JSON nor YAML that can be read: line ${String(at.line)}, column ${String(at.col)}`,
    )
  }
}
