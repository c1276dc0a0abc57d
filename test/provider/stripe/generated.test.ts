import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { stripeAdapter } from '../../../src/provider/stripe/adapter.ts'
import { manifest } from '../../../src/provider/stripe/manifest.ts'
import {
  assertEveryOperationIsItself,
  assertMutationsMeanWhatWasDecided,
  type Subject,
} from '../../support/generated-requests.ts'

const subject: Subject = {
  adapter: stripeAdapter(),
  catalogue: readFileSync(
    new URL('../../../src/provider/stripe/catalogue.json', import.meta.url),
    'utf8',
  ),
  ...(manifest.refusedFields === undefined ? {} : { refusedFields: manifest.refusedFields }),
}

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  assertEveryOperationIsItself(subject)
})

test('a mutated request is refused, or leaves as what was decided on', () => {
  assertMutationsMeanWhatWasDecided(subject)
})
