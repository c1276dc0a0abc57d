/**
 * The broker's own questions to an operator's GraphQL provider. An answer is whole or it is none: a member `errors`,
 * another status, null where something was asked for. Kept, collapsed and bounded as those to a REST provider are.
 */
import type { Ask, LocateContext, RebuiltRequest } from '../../adapter.ts'
import { createAnswers } from '../../rest/answers.ts'
import { Unestablished } from '../../unestablished.ts'

export type Variables = Readonly<Record<string, string | number | null>>

export type Questions = {
  /** The answer's `data`. Throws Unestablished. */
  data(query: string, variables: Variables, context: LocateContext): Promise<unknown>
  /** After a write: what this credential was told may no longer be so. */
  forget(cacheKey: string): void
}

/** `now` is a clock in milliseconds that never goes back. */
export function createQuestions(path: string, now: () => number): Questions {
  const answers = createAnswers(now)
  // One for each request: by it, `answers` counts what the request has cost.
  const contexts = new WeakMap<LocateContext, LocateContext>()

  /** The text of a question stands where a REST provider's path would. */
  function asking(context: LocateContext): LocateContext {
    let made = contexts.get(context)
    if (made === undefined) {
      const ask: Ask = async ({ target }, by) => {
        const answer = await context.ask(question(path, target), by)
        const whole = isObject(answer.json) && answer.json['errors'] === undefined
        // What is no answer must not be kept as one.
        return whole ? answer : { status: 502, json: undefined }
      }
      contexts.set(context, (made = { ...context, ask }))
    }
    return made
  }

  return {
    async data(query, variables, context) {
      const json = await answers.get(JSON.stringify({ query, variables }), asking(context))
      const data = isObject(json) ? json['data'] : undefined
      if (!isObject(data)) throw new Unestablished('lookup_failed')
      return data
    },
    forget: (cacheKey) => answers.forget(cacheKey),
  }
}

function question(path: string, text: string): RebuiltRequest {
  return {
    method: 'POST',
    target: path,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: Buffer.from(text),
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Every value at a dotted path, `*` for the members of a list. Undefined where anything on the way is null, missing or
 * something else: a server leaves out in silence what the credential may not see.
 */
export function wholeAt(data: unknown, path: string): readonly unknown[] | undefined {
  let values: readonly unknown[] = [data]
  for (const key of path.split('.')) {
    const next: unknown[] = []
    for (const value of values) {
      if (key === '*') {
        if (!Array.isArray(value)) return undefined
        next.push(...(value as readonly unknown[]))
        continue
      }
      if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
      next.push(value[key])
    }
    if (next.some((value) => value === null || value === undefined)) return undefined
    values = next
  }
  return values
}

/** Ids come as texts or whole numbers; anything else is none. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}
