import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { digitaloceanAdapter } from '../../../src/provider/digitalocean/adapter.ts'
import {
  assertEveryOperationIsItself,
  assertMutationsMeanWhatWasDecided,
  type Subject,
} from '../../support/generated-requests.ts'

const subject: Subject = {
  adapter: digitaloceanAdapter(),
  catalogue: readFileSync(
    new URL('../../../src/provider/digitalocean/catalogue.json', import.meta.url),
    'utf8',
  ),
}

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  assertEveryOperationIsItself(subject)
})

test('a mutated request is refused, or leaves as what was decided on', () => {
  assertMutationsMeanWhatWasDecided(subject)
})
