/** Refusals of this adapter: one shape, and one way of quoting what an agent wrote. */
import type { IdentifyRefusal } from '../adapter.ts'

export type Refused = { readonly ok: false; readonly refusal: IdentifyRefusal }

export function refuse(code: IdentifyRefusal['code'], detail: string): Refused {
  return { ok: false, refusal: { code, detail } }
}

/**
 * At most 100 characters of input, in printable ASCII: the sentence is read by people and written to logs, where
 * control, bidirectional and look-alike characters would lie about what was asked.
 */
export function quoted(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `"${plain.slice(0, 100)}"`
}
