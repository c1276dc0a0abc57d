/**
 * Regenerates `schema.graphql` from Railway's published schema: names and types only, every description and every
 * reason of a deprecation left behind. What the fields mean is reviewed by hand, in the tables beside it.
 *
 *     node src/provider/railway/compile.ts <schema of the provider> <file to write>
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Kind, parse, print, visit } from 'graphql'

/** The same schema without a sentence in it. */
export function compileSchema(source: string): string {
  const bare = visit(parse(source, { noLocation: true }), {
    enter(node) {
      if ('description' in node && node.description !== undefined)
        return { ...node, description: undefined }
      return undefined
    },
    Directive(node) {
      return node.name.value === 'deprecated' ? null : undefined
    },
  })
  const definitions = bare.definitions.filter(
    (definition) => definition.kind !== Kind.DIRECTIVE_DEFINITION,
  )
  // One line for each argument or field, none between definitions: half the size, and diffs still read.
  return `${print({ ...bare, definitions }).replaceAll(/\n{2,}/g, '\n')}\n`
}

const [, script, from, to] = process.argv
if (
  script !== undefined &&
  import.meta.filename === script &&
  from !== undefined &&
  to !== undefined
)
  writeFileSync(to, compileSchema(readFileSync(from, 'utf8')))
