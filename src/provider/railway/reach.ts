/**
 * What a stored token can reach, by Railway's own word. Only a project token is confined to one environment; whatever
 * answers as an account or a workspace reaches more than any environment, however few projects it has today.
 */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, Reach } from '../adapter.ts'
import { isAnswer, question, type Answer } from './question.ts'

type Asked =
  | { readonly kind: 'data'; readonly data: Answer }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed' }

async function put(ask: Ask, query: string): Promise<Asked> {
  try {
    const { status, json } = await ask(question(query, {}))
    if (status === 401 || status === 403) return { kind: 'refused' }
    if (status !== 200 || !isAnswer(json)) return { kind: 'failed' }
    // Railway answers 200 with errors where a token may not ask this.
    if (json['errors'] !== undefined) return { kind: 'refused' }
    return isAnswer(json['data']) ? { kind: 'data', data: json['data'] } : { kind: 'failed' }
  } catch {
    return { kind: 'failed' }
  }
}

export async function railwayReach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const token = await put(ask, 'query { projectToken { projectId environmentId } }')
  if (token.kind === 'data') {
    const answer = token.data['projectToken']
    const environment = isAnswer(answer) ? answer['environmentId'] : undefined
    if (typeof environment === 'string')
      return bound.has(place('environment', environment))
        ? { kind: 'within' }
        : {
            kind: 'wider',
            detail:
              'It is a project token of a Railway environment that this environment is not bound to.',
          }
  }
  const account = await put(ask, 'query { me { id } }')
  if (account.kind === 'data')
    return {
      kind: 'wider',
      detail: 'It is an account token: it reaches every workspace and project of its owner.',
    }
  const workspace = await put(ask, 'query { apiToken { workspaces { id } } }')
  if (workspace.kind === 'data')
    return {
      kind: 'wider',
      detail: 'It is a workspace token: it reaches every project of its workspace.',
    }
  const answers = [token.kind, account.kind, workspace.kind]
  if (answers.includes('failed') || answers.includes('data'))
    return { kind: 'unknown', detail: 'Railway did not say what this token can reach.' }
  return { kind: 'rejected', detail: 'Railway does not accept this token.' }
}
