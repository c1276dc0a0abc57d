import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kubernetesAdapter } from '../../../src/provider/kubernetes/adapter.ts'
import {
  assertEveryOperationIsItself,
  assertMutationsMeanWhatWasDecided,
  type Subject,
} from '../../support/generated-requests.ts'

const subject: Subject = {
  adapter: kubernetesAdapter(),
  catalogue: readFileSync(
    new URL('../../../src/provider/kubernetes/catalogue.json', import.meta.url),
    'utf8',
  ),
}

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  assertEveryOperationIsItself(subject, 2)
})

test('a mutated request is refused, or leaves as what was decided on', () => {
  assertMutationsMeanWhatWasDecided(subject)
})
