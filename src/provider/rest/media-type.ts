/**
 * Media types of bodies and answers. A body is read only where it is labelled as exactly what the adapter reads:
 * a label in between, or an unusual charset, is how a body passes one reader unread and the next one parsed.
 */

export type JsonLabel = 'json' | 'missing' | 'other'

/** `application/json`, with no parameter but `charset=utf-8`. */
export function jsonLabel(contentType: string | undefined): JsonLabel {
  if (contentType === undefined || contentType.trim() === '') return 'missing'
  const json = /^[ \t]*application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i
  return json.test(contentType) ? 'json' : 'other'
}

/** `type/subtype`, plain parameters and a weight. Whatever else it says, the item is dropped. */
const item =
  /^([a-z*]+\/[a-z0-9*.+_-]+)((?:;[a-z]+=[A-Za-z0-9.]+){0,4}?)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$/i

/**
 * The items of an `Accept` header that `allowed` says are known, spelled one way; undefined where none is left, so that
 * the provider answers in its default form. An item with parameters is asked about with them, as in
 * `application/json;as=Table;v=v1;g=meta.k8s.io`.
 */
export function readAccept(
  accept: string | undefined,
  allowed: (mediaType: string) => boolean,
): string | undefined {
  if (accept === undefined || accept.length > 1000) return undefined
  const kept: string[] = []
  for (const text of accept.split(',')) {
    const match = item.exec(text.trim())
    const [, type = '', parameters = '', weight] = match ?? []
    const mediaType = `${type.toLowerCase()}${parameters}`
    if (match === null || !allowed(mediaType)) continue
    kept.push(weight === undefined ? mediaType : `${mediaType};q=${weight}`)
  }
  return kept.length === 0 ? undefined : kept.join(', ')
}
