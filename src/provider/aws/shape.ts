/**
 * The types of an operation's input, as the service's model gives them, in a compact form. Only what is on them is read
 * from a request, so an argument that the model does not have is refused, never passed on.
 *
 * A reference is `<type>` or `<type>@<name on the wire>`; `<type>` is one letter for a scalar, else the name of a shape.
 */

export type Scalar = 's' | 'i' | 'b' | 'd' | 't' | 'x'

export type Reference = {
  /** A scalar's letter, or the name of a shape. */
  readonly type: string
  /** What the wire calls it; absent where it is the member's own name (or, in a list, the protocol's). */
  readonly wire: string | undefined
}

export type Member = Reference & {
  /** S3: where it stands; in the body where absent. */
  readonly location: Location | undefined
  readonly required: boolean
}
export type Location = 'uri' | 'query' | 'header' | 'headers' | 'payload' | 'attribute'

export type Shape =
  | {
      readonly kind: 'structure'
      readonly members: ReadonlyMap<string, Member>
      /** By what the wire calls them, where that is another name than the member's. */
      readonly byWire: ReadonlyMap<string, string>
    }
  | { readonly kind: 'list'; readonly member: Reference; readonly flattened: boolean }
  | { readonly kind: 'map'; readonly key: Reference; readonly value: Reference }

export type Shapes = ReadonlyMap<string, Shape>

/** `{"Name":"s","Values":"ValueStringList@Value"}`; a list is `["s@item"]`, flattened `["s@item",1]`; a map `[key, value]`. */
export type CompiledShape =
  | Readonly<Record<string, string>>
  | readonly [string]
  | readonly [string, 1]
  | readonly [string, string]
export type CompiledShapes = Readonly<Record<string, CompiledShape>>

const locations: Readonly<Record<string, Location>> = {
  u: 'uri',
  q: 'query',
  h: 'header',
  H: 'headers',
  p: 'payload',
  a: 'attribute',
}

export function isScalar(type: string): type is Scalar {
  return type.length === 1
}

export function loadShapes(compiled: CompiledShapes): Shapes {
  return new Map(Object.entries(compiled).map(([name, shape]) => [name, loadShape(shape)]))
}

function loadShape(compiled: CompiledShape): Shape {
  if (Array.isArray(compiled)) {
    const [first = '', second] = compiled as readonly (string | number)[]
    if (typeof second === 'string')
      return { kind: 'map', key: reference(String(first)), value: reference(second) }
    return { kind: 'list', member: reference(String(first)), flattened: second === 1 }
  }
  const members = new Map(
    Object.entries(compiled as Readonly<Record<string, string>>).map(([name, text]) => [
      name,
      member(text),
    ]),
  )
  const byWire = new Map([...members].map(([name, { wire }]) => [wire ?? name, name]))
  return { kind: 'structure', members, byWire }
}

/** `s@x-amz-acl|h!`: the location's letter after `|`, and `!` where the model requires it. */
function member(text: string): Member {
  const required = text.endsWith('!')
  const [type = '', letter] = (required ? text.slice(0, -1) : text).split('|')
  return {
    ...reference(type),
    location: letter === undefined ? undefined : locations[letter],
    required,
  }
}

function reference(text: string): Reference {
  const [type = '', wire] = text.split('@')
  return { type, wire }
}
