/**
 * Reading answers. A broker of another version may answer otherwise than this CLI expects: a member that is not there,
 * or is of another type, reads as nothing, and is shown as `–`.
 */
export type Shape = Readonly<Record<string, unknown>>

export function record(value: unknown): Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Shape)
    : {}
}

/** A scalar as text; undefined where there is none. */
export function text(shape: Shape, member: string): string | undefined {
  const value = Object.hasOwn(shape, member) ? shape[member] : undefined
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
      return String(value)
    default:
      return undefined
  }
}

export function shown(shape: Shape, member: string): string {
  return text(shape, member) ?? '–'
}

export function child(shape: Shape, member: string): Shape {
  return record(shape[member])
}

export function records(shape: Shape, member: string): readonly Shape[] {
  const value = shape[member]
  return Array.isArray(value) ? value.map(record) : []
}

export function texts(shape: Shape, member: string): readonly string[] {
  const value = shape[member]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
