import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { supabaseAdapter } from '../../../src/provider/supabase/adapter.ts'
import { sqlOperations } from '../../../src/provider/supabase/inspect.ts'
import {
  assertEveryOperationIsItself,
  assertMutationsMeanWhatWasDecided,
  type Subject,
} from '../../support/generated-requests.ts'

const adapter = supabaseAdapter()
const subject: Subject = {
  adapter,
  catalogue: readFileSync(
    new URL('../../../src/provider/supabase/catalogue.json', import.meta.url),
    'utf8',
  ),
  except: sqlOperations,
}

before(() => adapter.prepare?.())

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  assertEveryOperationIsItself(subject)
})

test('a mutated request is refused, or leaves as what was decided on', () => {
  assertMutationsMeanWhatWasDecided(subject)
})
