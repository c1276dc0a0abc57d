/** Turns the reviewed table of EC2's kinds into questions in the words of the wire, which the model knows. */
import type { Model, ModelReference, ModelShape } from './model.ts'
import { ec2Kinds } from './ec2-kinds.ts'
import type { CompiledKind } from './catalogue.ts'

export function compileKinds(model: Model): readonly CompiledKind[] {
  return ec2Kinds
    .trim()
    .split('\n')
    .map((line) => {
      const [prefix = '', action = '', by = '', id = '', owners] = line.trim().split(/\s+/)
      return compileKind(model, { prefix, action, by, id, owners: owners?.split(',') ?? [] })
    })
}

type Row = {
  readonly prefix: string
  readonly action: string
  readonly by: string
  readonly id: string
  readonly owners: readonly string[]
}

function compileKind(model: Model, { prefix, action, by, id, owners }: Row): CompiledKind {
  const operation = model.operations[action]
  const input = shapeOf(model, operation?.input?.shape)
  const output = shapeOf(model, operation?.output?.shape)
  const lists = Object.entries(output.members ?? {}).filter(
    ([, { shape }]) => itemOf(model, shape)?.members?.[id.split('.')[0] ?? ''] !== undefined,
  )
  const [list, ...others] = lists
  if (list === undefined || others.length > 0) throw new Error(`${action} does not list ${id}`)
  const [name, reference] = list
  const item = itemOf(model, reference.shape)
  const path = (members: string) => pathOf(model, item, members.split('.'))
  const filter = by.startsWith('filter:') ? by.slice('filter:'.length) : undefined
  return {
    ...(prefix === '-' ? {} : { prefix }),
    // What arguments are called that name one; an id inside another thing has no name of its own.
    ...(filter === undefined && !id.includes('.') ? { member: id } : {}),
    action,
    ...(filter === undefined ? { parameter: parameterOf(model, input, by) } : { filter }),
    items: `${reference.locationName ?? name}/item`,
    id: path(id),
    ...(owners.length === 0 ? {} : { owners: owners.map(path) }),
  }
}

/** EC2 writes its parameters with a capital, and numbers the members of a list directly below. */
function parameterOf(model: Model, input: ModelShape, name: string): string {
  const reference = input.members?.[name]
  if (reference === undefined) throw new Error(`there is no argument ${name}`)
  const own = reference.locationName ?? name
  const wire = reference.queryName ?? own.slice(0, 1).toUpperCase() + own.slice(1)
  return shapeOf(model, reference.shape).type === 'list' ? `${wire}.1` : wire
}

/** Names in an answer; the members of a list stand in elements `item`. */
function pathOf(
  model: Model,
  holder: ModelShape | undefined,
  [own, ...rest]: readonly string[],
): string {
  const reference: ModelReference | undefined = holder?.members?.[own ?? '']
  if (own === undefined || reference === undefined) throw new Error(`no answer has ${String(own)}`)
  const wire = reference.locationName ?? own
  if (rest.length === 0) return wire
  const item = itemOf(model, reference.shape)
  return item === undefined
    ? `${wire}/${pathOf(model, shapeOf(model, reference.shape), rest)}`
    : `${wire}/item/${pathOf(model, item, rest)}`
}

function itemOf(model: Model, name: string): ModelShape | undefined {
  const { type, member } = shapeOf(model, name)
  if (type !== 'list' || member === undefined) return undefined
  if ((member.locationName ?? 'item') !== 'item') throw new Error(`${name} has no items`)
  return shapeOf(model, member.shape)
}

function shapeOf(model: Model, name: string | undefined): ModelShape {
  const shape = model.shapes[name ?? '']
  if (shape === undefined) throw new Error(`the model has no shape ${String(name)}`)
  return shape
}
