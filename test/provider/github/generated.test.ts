import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import {
  assertEveryOperationIsItself,
  assertMutationsMeanWhatWasDecided,
  type Subject,
} from '../../support/generated-requests.ts'

const subject: Subject = {
  adapter: githubAdapter(),
  catalogue: readFileSync(
    new URL('../../../src/provider/github/catalogue.json', import.meta.url),
    'utf8',
  ),
  slashes: 'encoded',
  // However often a server decodes and however it normalises, it comes out under the same repository.
  holds({ resources }, seen) {
    for (const { id } of resources)
      assert.ok(seen.toLowerCase().includes(`/${id.normalize('NFKC')}`), seen)
  },
}

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  assertEveryOperationIsItself(subject, 4)
})

test('a mutated request is refused, or stays in the repository that was decided on', () => {
  assertMutationsMeanWhatWasDecided(subject, 4_000)
})
