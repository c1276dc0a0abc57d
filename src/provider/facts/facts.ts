/**
 * What an approver is told by a manifest's rules: of each object its name and what it holds, of each list how many and the
 * newest. What could not be asked is told as that, and of what has no rule it is told that nothing is known. The provider's
 * texts are shown, and nothing is decided by them.
 */
import type { ShownFact } from '../../core/approval.ts'
import { clipped, objectKey, type KnownObject, type ShownFacts } from '../../core/approval-facts.ts'
import type { Invocation } from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import {
  asking,
  dated,
  isDestructive,
  listIn,
  nameOf,
  type Asking,
  type FactClocks,
  type FactSource,
} from './ask.ts'
import type { FactRule, ListRule, ObjectRule } from './rule.ts'
import { fieldOf, filled, moment, mostNames, quotedName } from './value.ts'

/** Characters of one fact: what is behind them says so, and how much it is. */
const mostTold = 800

type Told = {
  readonly fact: ShownFact
  readonly object?: { readonly key: string; readonly known: KnownObject }
}

export function factsByRules(
  source: FactSource,
  { now, date }: FactClocks,
  milliseconds?: number,
): (invocations: readonly Invocation[], context: LocateContext) => Promise<ShownFacts> {
  const { rules, dataless = [] } = source.facts
  return async (invocations, context) => {
    const ask = asking(source, context.ask, now, milliseconds)
    const pairs = invocations.flatMap((invocation) =>
      rulesFor(rules, invocation).map((rule) => ({ invocation, rule })),
    )
    const told = await Promise.all(
      pairs.map(({ invocation, rule }) =>
        rule.is === 'object'
          ? objectFact(rule, invocation, ask, date())
          : listFact(rule, invocation, ask, date()),
      ),
    )
    const silent = invocations.filter(
      (invocation) =>
        isDestructive(invocation) &&
        !dataless.includes(invocation.operation) &&
        rulesFor(rules, invocation).length === 0,
    )
    return {
      objects: new Map(
        told.flatMap(({ object }) => (object === undefined ? [] : [[object.key, object.known]])),
      ),
      facts: [
        ...[...new Set(silent.map(({ operation }) => operation))].map((operation) => ({
          label: 'Not known',
          value: `what is lost by ${operation}: there is no look-up for it`,
        })),
        ...told.map(({ fact }) => fact),
      ],
    }
  }
}

export function rulesFor<Rule extends FactRule>(
  rules: readonly Rule[],
  { operation }: Invocation,
): readonly Rule[] {
  return rules.filter(({ of }) => of.includes(operation))
}

async function objectFact(
  rule: ObjectRule,
  invocation: Invocation,
  ask: Asking,
  date: number,
): Promise<Told> {
  const asked = await ask(rule.ask, invocation)
  if (!asked.ok) return { fact: { label: rule.what, value: `could not be asked: ${asked.why}` } }
  const name = nameOf(asked.value, rule.name)
  const fact: ShownFact = {
    label: name === undefined ? rule.what : `${rule.what} ${quotedName(name)}`,
    value: clipped(
      rule.fields.map((field) => fieldOf(asked.value, field, date)).join('; '),
      mostTold,
    ),
  }
  const { kind } = rule
  const id =
    rule.ask.same === undefined ? undefined : filled(rule.ask.same.is, invocation.arguments)
  if (kind === undefined || id === undefined || name === undefined) return { fact }
  const meant = rule.ask.same?.caseless === true ? id.toLowerCase() : id
  return { fact, object: { key: objectKey({ kind, id: meant }), known: { name } } }
}

async function listFact(
  rule: ListRule,
  invocation: Invocation,
  ask: Asking,
  date: number,
): Promise<Told> {
  const label = rule.what
  const asked = await ask(rule.ask, invocation)
  if (!asked.ok) return { fact: { label, value: `could not be asked: ${asked.why}` } }
  const listed = listIn(asked.value, rule, invocation)
  if (listed === undefined)
    return { fact: { label, value: 'could not be asked: the answer is no list' } }
  const { items, complete } = listed
  const number = complete
    ? items.length === 0
      ? 'none'
      : String(items.length)
    : `at least ${String(items.length)}`
  const value = clipped(`${number}${detail(rule, items, complete, date)}`, mostTold)
  return { fact: { label, value } }
}

function detail(
  rule: ListRule,
  items: readonly unknown[],
  complete: boolean,
  date: number,
): string {
  if (items.length === 0) return ''
  const { name, made, fields = [] } = rule
  const also = (item: unknown): readonly string[] =>
    fields.map((field) => fieldOf(item, field, date))
  if (made === undefined) {
    const told = items
      .slice(0, mostNames)
      .map((item) => [quotedName(nameOf(item, name) ?? ''), ...also(item)].join(' '))
    const more = items.length > told.length || !complete ? ', …' : ''
    return `: ${told.join(', ')}${more}`
  }
  const [newest] = dated(items, rule)
  if (newest === undefined) return '; none of them says when it was made'
  const called = nameOf(newest.item, name)
  const of = called === undefined ? '' : `${quotedName(called)} of `
  const listed = complete ? '' : ' of those that were listed'
  return `; the newest${listed} is ${[`${of}${moment(newest.at, date)}`, ...also(newest.item)].join(', ')}`
}
