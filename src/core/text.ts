/** Texts compared as the most forgiving server or file system would: what might be the same counts as the same. */

export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/**
 * The names of members other than `name` that some server takes for it: Go's encoding/json matches without regard to
 * case (U+017F and U+212A as s and k), gRPC's JSON takes `projectId` for `project_id`.
 */
export function namesLike(value: object, name: string): readonly string[] {
  let found: string[] | undefined
  for (const other of Object.keys(value)) {
    if (other === name || unlike(other, name)) continue
    if (foldName(other) === foldName(name)) (found ??= []).push(other)
  }
  return found ?? none
}

const none: readonly string[] = []

/** At once, of nearly all names: by how they begin, where that is a letter of ASCII. */
function unlike(one: string, other: string): boolean {
  const a = one.charCodeAt(0) | 0x20
  const b = other.charCodeAt(0) | 0x20
  return a !== b && isLetter(a) && isLetter(b)
}

function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a
}

function foldName(name: string): string {
  return name.replaceAll('_', '').toUpperCase().toLowerCase()
}

/** Whether a path of a file is `root` or below it: case, Unicode form, doubled slashes and dots aside. */
export function isUnder(path: string, root: string): boolean {
  const pieces: string[] = []
  for (const piece of fold(path).split(/[/\\]/)) {
    if (piece === '..') pieces.pop()
    else if (piece !== '' && piece !== '.') pieces.push(piece)
  }
  const roots = fold(root).split('/')
  return roots.every((piece, index) => pieces[index] === piece)
}
