/** Texts compared as the most forgiving server or file system would: what might be the same counts as the same. */

export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
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
