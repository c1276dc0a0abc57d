import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { facts as aws } from '../../../src/provider/aws/facts.ts'
import { facts as digitalocean } from '../../../src/provider/digitalocean/facts.ts'
import type { FactRule, FactRules } from '../../../src/provider/facts/rule.ts'
import { facts as github } from '../../../src/provider/github/facts.ts'
import { facts as kubernetes } from '../../../src/provider/kubernetes/facts.ts'
import { shippedProviders } from '../../../src/provider/registry.ts'
import { facts as stripe } from '../../../src/provider/stripe/facts.ts'
import { facts as supabase } from '../../../src/provider/supabase/facts.ts'

const providers = shippedProviders()
const all: Readonly<Record<string, FactRules>> = {
  aws,
  digitalocean,
  github,
  kubernetes,
  stripe,
  supabase,
}

/** Every path of a rule, from the root of the answer. */
function pathsOf(rule: FactRule): readonly string[] {
  const fields = (rule.fields ?? []).map(({ at }) => at)
  const name = rule.name === undefined ? [] : [rule.name]
  const same = rule.ask.same === undefined ? [] : [rule.ask.same.at]
  if (rule.is === 'object') return [...fields, ...name, ...same]
  const of = (rule.only ?? []).map(({ at }) => at)
  const made = rule.made === undefined ? [] : [rule.made.at]
  const list = rule.items === '' ? '*' : `${rule.items}.*`
  return [...same, ...[...fields, ...name, ...of, ...made].map((at) => `${list}.${at}`)]
}

for (const [name, { rules, dataless = [] }] of Object.entries(all)) {
  describe(name, () => {
    const adapter = providers.get(name)

    test('asks by plain reads of its catalogue only, and says by which', () => {
      const named = new Set(rules.map(({ ask }) => ask.operation))
      assert.deepEqual(new Set(adapter?.asks), named)
      for (const operation of named) {
        const entry = adapter?.find(operation)
        assert.ok(typeof entry === 'object', operation)
        assert.deepEqual(entry.effects, ['read'], operation)
        // AWS lists by account, and of such a list a rule says which items are meant.
        if (name !== 'aws') assert.notEqual(entry.scope, 'account', operation)
        assert.equal(entry.denied, undefined, operation)
      }
    })

    test('names operations that its catalogue has', () => {
      for (const operation of [...rules.flatMap(({ of }) => of), ...dataless])
        assert.equal(typeof adapter?.find(operation), 'object', operation)
    })

    test('tells no field that carries a credential', () => {
      for (const rule of rules) {
        const revealed = adapter?.revealed?.({
          operation: rule.ask.operation,
          effects: ['read'],
          added: [],
          scope: 'environment',
          arguments: {},
          resources: [],
          widens: [],
        })
        const hidden = new Set((revealed ?? []).map((path) => path.at(-1)))
        for (const path of pathsOf(rule))
          for (const key of path.split('.')) assert.ok(!hidden.has(key), `${rule.what} ${path}`)
      }
    })
  })
}

type Schema = {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}
type Answers = Readonly<
  Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
>
type Described = {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get?: { readonly operationId?: string; readonly responses: Answers } }
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

for (const [name, file] of [
  ['github', 'github-rest-openapi.json'],
  ['supabase', 'supabase-management-openapi.json'],
] as const) {
  const url = new URL(`../../../../shared/specs/${file}`, import.meta.url)
  test(
    `every field that is told of ${name} is one that its description has`,
    { skip: existsSync(url) ? false : `there is no ${file} here` },
    () => {
      const described = JSON.parse(readFileSync(url, 'utf8')) as Described
      const answers = new Map(
        Object.values(described.paths).flatMap(({ get }) => {
          const schema = get?.responses['200']?.content?.['application/json']?.schema
          return get?.operationId === undefined || schema === undefined
            ? []
            : [[get.operationId, schema] as const]
        }),
      )
      const parts = (schema: Schema): readonly Schema[] => {
        const found =
          schema.$ref === undefined
            ? schema
            : (described.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
        const more = [...(found.allOf ?? []), ...(found.anyOf ?? []), ...(found.oneOf ?? [])]
        return [found, ...more.flatMap(parts)]
      }
      const below = (schema: Schema, key: string): readonly Schema[] =>
        parts(schema).flatMap((part) => {
          const next = key === '*' ? part.items : part.properties?.[key]
          return next === undefined ? [] : [next]
        })
      for (const rule of all[name]?.rules ?? []) {
        const answer = answers.get(rule.ask.operation)
        assert.ok(answer, rule.ask.operation)
        for (const path of pathsOf(rule)) {
          let found: readonly Schema[] = [answer]
          for (const key of path.split('.')) found = found.flatMap((one) => below(one, key))
          assert.ok(found.length > 0, `${rule.ask.operation} ${path}`)
        }
      }
    },
  )
}
