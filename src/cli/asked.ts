/** What waits for a person, whichever kind it is: listed by state, agent and environment, those that wait by default. */
import type { Shape } from './answer.ts'
import { idOf, listAll } from './lookup.ts'
import { readChoice } from './option-value.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'

export function askedOptions(states: readonly string[]) {
  return {
    state: { type: 'string', value: states.join('|'), help: 'Those in another state' },
    all: { type: 'boolean', help: 'Whatever their state' },
    agent: { type: 'string', value: '<agent>', help: 'Only this agent’s' },
    environment: { type: 'string', value: '<name>', help: 'Only in this environment' },
  } as const
}

type Options = {
  readonly state: string | undefined
  readonly all: boolean
  readonly agent: string | undefined
  readonly environment: string | undefined
}

/** Prints the list at `path`: a row of `columns` for each, of which `wide` gets the room that it takes. */
export async function sayAsked(
  call: Session & { readonly options: Options },
  list: {
    readonly path: string
    readonly states: readonly string[]
    readonly none: string
    readonly columns: readonly (readonly [title: string, cell: (item: Shape) => string])[]
    readonly wide: readonly [title: string, most: number]
  },
): Promise<void> {
  const { agent, environment, all } = call.options
  const state = readChoice('--state', call.options.state, list.states)
  const client = await call.signedIn()
  const items = await listAll(client, list.path, {
    state: state ?? (all ? undefined : 'pending'),
    agent: agent === undefined ? undefined : await idOf(client, 'agent', agent),
    environment:
      environment === undefined ? undefined : await idOf(client, 'environment', environment),
  })
  if (call.json) return call.sayJson({ items }, 2)
  if (items.length === 0) return call.say(list.none)
  const [wide, most] = list.wide
  const columns = list.columns.map(([title]) => ({ title, most: title === wide ? most : 40 }))
  const rows = items.map((item) => list.columns.map(([, cell]) => cell(item)))
  for (const line of table(columns, rows)) call.say(line)
}
