import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forClientsOf } from '../../src/http/client-error.ts'
import { Problem, problemBody } from '../../src/problem.ts'
import { kubernetesAdapter } from '../../src/provider/kubernetes/adapter.ts'
import { railwayAdapter } from '../../src/provider/railway/adapter.ts'
import { stripeAdapter } from '../../src/provider/stripe/adapter.ts'

const problem = new Problem('verb_missing', {
  detail: 'it is not covered',
  members: { verbs: ['Refunds.create'] },
})

test('a refusal has the member by which the provider’s clients know one, and is a problem still', () => {
  const { code, details } = forClientsOf(stripeAdapter(), problem)
  assert.deepEqual(problemBody(code, details), {
    ...problemBody(problem.code, problem.details),
    error: {
      type: 'urn:valetkey:problem:verb_missing',
      code: 'verb_missing',
      message: 'it is not covered',
      verbs: ['Refunds.create'],
    },
  })
})

test('where the status tells them, or no provider was meant, nothing is added', () => {
  assert.equal(forClientsOf(railwayAdapter(), problem), problem)
  assert.equal(forClientsOf(undefined, problem), problem)
})

test('where it has a form of its own, the problem stands in that whole', () => {
  const body = problemBody(problem.code, problem.details, 'req_1')
  const answer = kubernetesAdapter().errorAnswer?.(body, {})
  assert.equal(answer?.contentType, 'application/json')
  assert.deepEqual((JSON.parse(answer.body) as { problem: unknown }).problem, body)
})
