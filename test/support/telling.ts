/** What an adapter would tell a person about one request, in a world of the provider's answers, each by its target. */
import assert from 'node:assert/strict'
import type { Invocation, Place } from '../../src/core/operation.ts'
import type { Precondition, PreconditionAnswer } from '../../src/core/precondition.ts'
import type { Ask, LocateContext, ProviderAdapter } from '../../src/provider/adapter.ts'
import { identifyLine, invocationOf, type Wish } from './rest-request.ts'

/** What is not in it is a 404; a number is a status, and an Error no answer at all. */
export type AnswerWorld = Readonly<Record<string, unknown>>

export type Telling = {
  readonly facts: ReadonlyMap<string, string>
  readonly objects: ReadonlyMap<string, unknown>
  readonly asked: readonly string[]
}

/** When all of this is told: 2026-06-01 12:00 UTC. */
export const toldAt = Date.UTC(2026, 5, 1, 12)

export const toldClocks = { now: () => 0, date: () => toldAt }

export function askingWorld(world: AnswerWorld): { readonly ask: Ask; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    ask: async ({ method, target }) => {
      assert.equal(method, 'GET')
      asked.push(target)
      await Promise.resolve()
      const json = world[target]
      if (json instanceof Error) throw json
      if (typeof json === 'number') return { status: json, json: undefined }
      return json === undefined ? { status: 404, json: {} } : { status: 200, json }
    },
  }
}

export function factContext(ask: Ask, bound: readonly Place[] = []): LocateContext {
  return { ask, fresh: true, cacheKey: 'cred_1:1', bound: new Set(bound) }
}

export function understood(adapter: ProviderAdapter, line: string | Wish): readonly Invocation[] {
  return [invocationOf(identifyLine(adapter, typeof line === 'string' ? { line } : line))]
}

export async function telling(
  adapter: ProviderAdapter,
  line: string | Wish,
  world: AnswerWorld,
): Promise<Telling> {
  const { ask, asked } = askingWorld(world)
  const told = await adapter.facts?.(understood(adapter, line), factContext(ask))
  assert.ok(told, `${adapter.name} has no facts`)
  const { facts, objects } = told
  const byLabel = new Map(facts.map(({ label, value }) => [label, value]))
  assert.equal(byLabel.size, facts.length, 'two facts have one label')
  return { facts: byLabel, objects, asked }
}

export async function checking(
  adapter: ProviderAdapter,
  line: string | Wish,
  world: AnswerWorld,
  precondition: Precondition,
): Promise<PreconditionAnswer & { readonly asked: readonly string[] }> {
  const { ask, asked } = askingWorld(world)
  const answer = await adapter.check?.(precondition, understood(adapter, line), factContext(ask))
  assert.ok(answer, `${adapter.name} checks nothing`)
  return { ...answer, asked }
}
