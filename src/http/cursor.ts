/**
 * Cursors of lists. A cursor is signed and bound to its list and to the filters it was made for, so that nobody can
 * make one up to start where they may not look (hazards: forged page cursors).
 */
import type { Keyring } from '../capability/keys.ts'
import { Problem } from '../problem.ts'

export type Cursors = {
  make(list: string, position: string): string
  /** The position; throws a `Problem` where the cursor is not one of ours for this list. */
  read(list: string, cursor: string | undefined): string | undefined
}

export function createCursors(keyring: () => Keyring | undefined): Cursors {
  function keys(): Keyring {
    const held = keyring()
    if (held === undefined) throw new Problem('sealed', 'the broker is sealed')
    return held
  }
  return {
    make(list, position) {
      const text = Buffer.from(position).toString('base64url')
      return `${text}.${keys().signCursor(`${list}\n${text}`)}`
    },
    read(list, cursor) {
      if (cursor === undefined) return undefined
      const dot = cursor.indexOf('.')
      const text = cursor.slice(0, Math.max(dot, 0))
      if (dot < 1 || !keys().verifyCursor(`${list}\n${text}`, cursor.slice(dot + 1))) {
        throw new Problem('invalid_request', {
          detail: 'the cursor was not made by this list with these filters',
          errors: [
            {
              pointer: '/cursor',
              detail: 'use next_cursor of the page before, with the same filters',
            },
          ],
        })
      }
      return Buffer.from(text, 'base64url').toString('utf8')
    },
  }
}

export function pageLimit(limit: string | undefined): number {
  return limit === undefined ? 50 : Number(limit)
}

/** A page out of one row more than was asked for: the extra row says whether there is another page. */
export function toPage<T, U>(
  rows: readonly T[],
  limit: number,
  show: (row: T) => U,
  cursor: (last: T) => string,
): { items: U[]; next_cursor?: string } {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items: items.map(show),
    ...(rows.length > limit && last !== undefined ? { next_cursor: cursor(last) } : {}),
  }
}

/**
 * The page of a list that a query asks for. `list` names the list with its filters, which its cursors are bound to;
 * `rows` gives at most `limit` of them, beyond `after`, which is the id of the last one seen, or empty at the beginning.
 */
export async function pageOf<T extends { readonly id: string | number }, U>(
  cursors: Cursors,
  list: string,
  query: { readonly limit?: string; readonly cursor?: string },
  rows: (page: { limit: number; after: string }) => Promise<readonly T[]>,
  show: (row: T) => U,
): Promise<{ items: U[]; next_cursor?: string }> {
  const limit = pageLimit(query.limit)
  const after = cursors.read(list, query.cursor) ?? ''
  const found = await rows({ limit: limit + 1, after })
  return toPage(found, limit, show, ({ id }) => cursors.make(list, String(id)))
}
