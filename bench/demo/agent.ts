/** Sends the agent's attempts, one after another, and checks each answer and what reached the provider meanwhile. */
import { parse } from 'graphql'
import type { RailwayStandIn, StandInRequest } from '../../test/support/railway-stand-in.ts'
import type { Attempt, Which } from './attempts.ts'
import type { Answer, Send } from './curl.ts'
import type { Teller } from './teller.ts'

export type Result = { readonly attempt: Attempt; readonly answer: Answer }

export type Agent = {
  attempt(attempt: Attempt): Promise<Answer>
  /** In the order in which they were sent. */
  readonly results: readonly Result[]
  /** Questions that the broker asked of its own accord, so far. */
  readonly questions: () => number
}

export function createAgent(deps: {
  readonly teller: Teller
  readonly standIn: RailwayStandIn
  readonly send: Send
  readonly tokens: Readonly<Record<Which, string>>
}): Agent {
  const { teller, standIn, send, tokens } = deps
  const results: Result[] = []
  let questions = 0
  let lastDetail = ''

  return {
    results,
    questions: () => questions,
    async attempt(attempt) {
      const before = standIn.log.length
      const answer = await send({ ...attempt.request, token: tokens[attempt.as] })
      results.push({ attempt, answer })
      const arrived = standIn.log.slice(before)
      const forwarded = arrived.filter((request) => !isQuestion(request))
      const asked = arrived.length - forwarded.length
      const { expect } = attempt

      const code = typeof answer.json['code'] === 'string' ? answer.json['code'] : undefined
      const decision = answer.headers.get('valetkey-decision') ?? 'none'
      const right = `${String(answer.status)} ${code ?? decision}`
      const came = `${right}, decision "${decision}", ${String(forwarded.length)} forwarded, ${String(asked)} asked: ${answer.text.slice(0, 400)}`
      if (expect.kind === 'allow') {
        const data = answer.json['data']
        const good =
          typeof data === 'object' &&
          data !== null &&
          expect.data(data as Readonly<Record<string, unknown>>)
        const ok = answer.status === 200 && decision === 'allow' && good
        teller.check(ok, attempt.says, {
          right,
          expected: '200, decision "allow", and the provider’s own answer',
          came,
        })
      } else {
        questions += asked
        const ok =
          answer.status === expect.status &&
          code === expect.code &&
          decision === expect.kind &&
          answer.headers.get('content-type')?.startsWith('application/problem+json') === true &&
          forwarded.length === 0 &&
          (expect.asks || asked === 0)
        const detail = typeof answer.json['detail'] === 'string' ? answer.json['detail'] : undefined
        teller.check(ok, attempt.says, {
          right,
          detail: detail === lastDetail ? undefined : detail,
          expected: `${String(expect.status)} ${expect.code}, decision "${expect.kind}", nothing forwarded${expect.asks ? '' : ' and nothing asked'}`,
          came,
        })
        lastDetail = detail ?? ''
      }
      return answer
    },
  }
}

/** A question of the broker's own: one document of queries alone. What an agent wants done is never that. */
export function isQuestion(request: StandInRequest): boolean {
  return documentsOf(request).every((text) => {
    try {
      return parse(text).definitions.every(
        (definition) =>
          definition.kind !== 'OperationDefinition' || definition.operation === 'query',
      )
    } catch {
      return false
    }
  })
}

/** What the provider would run; a request that cannot be read is none of the broker's. */
function documentsOf(request: StandInRequest): readonly string[] {
  try {
    const sent = JSON.parse(request.body) as unknown
    const { query } = sent as { query?: unknown }
    return [typeof query === 'string' ? query : '\u0000']
  } catch {
    return ['\u0000']
  }
}
