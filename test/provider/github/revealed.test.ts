import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { revealedPaths } from '../../../src/provider/github/revealed.ts'

type Json = { readonly [key: string]: unknown }

const description = JSON.parse(
  readFileSync(
    fileURLToPath(import.meta.resolve('@octokit/openapi/generated/api.github.com.json')),
    'utf8',
  ),
) as Json

function object(value: unknown): Json {
  const found = (value ?? {}) as Json
  const reference = found['$ref']
  if (typeof reference !== 'string') return found
  return object(
    reference
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Json)[key.replaceAll('~1', '/')], description),
  )
}

/** Every place below a schema where the field may stand, in any of its variants. */
function places(schema: unknown, path: string, open: readonly unknown[], into: Set<string>): void {
  const here = object(schema)
  if (open.includes(here)) return
  const within = [...open, here]
  for (const [key, member] of Object.entries(object(here['properties']))) {
    if (key === 'temp_clone_token') into.add(`${path}${key}`)
    places(member, `${path}${key}.`, within, into)
  }
  for (const members of [here['items'], here['additionalProperties']])
    if (typeof members === 'object') places(members, `${path}*.`, within, into)
  for (const variants of ['oneOf', 'anyOf', 'allOf'])
    for (const variant of (here[variants] ?? []) as unknown[]) places(variant, path, within, into)
}

test('the fields of every operation are those of the description’s answers', () => {
  let operations = 0
  let revealing = 0
  for (const item of Object.values(object(description['paths']))) {
    for (const operation of Object.values(object(item)).map(object)) {
      const name = operation['operationId']
      if (typeof name !== 'string') continue
      operations++
      const found = new Set<string>()
      for (const response of Object.values(object(operation['responses']))) {
        for (const media of Object.values(object(object(response)['content'])))
          places(object(media)['schema'], '', [], found)
      }
      const listed = revealedPaths(name)
      assert.deepEqual((listed ?? []).map((path) => path.join('.')).sort(), [...found].sort(), name)
      if (listed !== undefined) revealing++
    }
  }
  assert.ok(operations > 1_000 && revealing > 100)
})

test('the same list comes for the same operation, and none for one that reveals nothing', () => {
  assert.equal(revealedPaths('repos/get'), revealedPaths('repos/get'))
  assert.equal(revealedPaths('issues/list-labels-for-repo'), undefined)
  assert.equal(revealedPaths('constructor'), undefined)
})
