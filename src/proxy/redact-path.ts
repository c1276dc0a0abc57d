/**
 * Where in a JSON answer something is taken out, as a machine that follows a reader of it: one node for each place the
 * reader is at, undefined where nothing further in can match. It errs towards taking out: a list stands wherever a path
 * does not mention it, and a path that ends somewhere takes all that is below.
 */

/**
 * From the root of the answer, by decoded key. `*` is every member of an object or a list; `**` is any number of them
 * inside one another, none included.
 */
export type RedactionPath = readonly string[]

export type RedactionRule = {
  readonly path: RedactionPath
  /** Whether what stands there is wanted (a credential that was minted), or only to be gone. */
  readonly take: boolean
}

/** A rule, and how much of its path is behind us. Made once for each, so that sets of them can be compared. */
type Position = {
  readonly rule: RedactionRule
  readonly at: number
  readonly id: number
  /** Undefined at the end of the path. */
  readonly next: Position | undefined
}

export class PathNode {
  /** Of the rules that end here, if any: the path of one as text, and whether one of them wants the value. */
  readonly found: { readonly label: string; readonly take: boolean } | undefined
  /** The longest key that matters here, in bytes of UTF-8; 0 where only `*` does. */
  readonly longestKey: number
  readonly #machine: Machine
  readonly #names = new Map<string, Position[]>()
  /** Where each rule is after any member. */
  readonly #members: readonly Position[]
  /** Where each rule is that a list is nothing to. */
  readonly #unnamed: readonly Position[]
  readonly #made = new Map<string, PathNode | undefined>()
  #anyMember: PathNode | undefined
  #element: PathNode | undefined

  constructor(machine: Machine, positions: readonly Position[]) {
    this.#machine = machine
    const ended = positions.filter(({ rule, at }) => at === rule.path.length)
    const [first] = ended
    this.found =
      first === undefined
        ? undefined
        : { label: labelOf(first.rule.path), take: ended.some(({ rule }) => rule.take) }
    const members: Position[] = []
    const unnamed: Position[] = []
    let longest = 0
    for (const position of positions) {
      const { next } = position
      const name = position.rule.path[position.at]
      if (name === undefined || next === undefined) continue
      if (name === '**') {
        members.push(position)
        continue
      }
      if (name === '*') {
        members.push(next)
        continue
      }
      unnamed.push(position)
      const key = Buffer.from(name)
      longest = Math.max(longest, key.length)
      const bytes = key.toString('latin1')
      const same = this.#names.get(bytes)
      if (same === undefined) this.#names.set(bytes, [next])
      else same.push(next)
    }
    this.longestKey = longest
    this.#members = members
    this.#unnamed = unnamed
  }

  /** The node of a member. `key`: its UTF-8 as latin1, or undefined where it is longer than any that matters. */
  member(key: string | undefined): PathNode | undefined {
    const named = key === undefined ? undefined : this.#names.get(key)
    if (key === undefined || named === undefined)
      return (this.#anyMember ??= this.#machine.node(this.#members))
    let node = this.#made.get(key)
    if (node === undefined)
      this.#made.set(key, (node = this.#machine.node([...named, ...this.#members])))
    return node
  }

  /** The node of a list's members. Where a path names a key, the list itself is nothing to it. */
  element(): PathNode | undefined {
    if (this.#members.length === 0) return this
    return (this.#element ??= this.#machine.node([...this.#unnamed, ...this.#members]))
  }
}

/** Makes each node once: how many there are depends on the rules, never on the answer. */
class Machine {
  readonly #nodes = new Map<string, PathNode>()

  node(positions: readonly Position[]): PathNode | undefined {
    if (positions.length === 0) return undefined
    const all = new Map<number, Position>()
    for (const one of positions) {
      let position: Position | undefined = one
      do {
        all.set(position.id, position)
        // `**` may also be nothing.
        position = position.rule.path[position.at] === '**' ? position.next : undefined
      } while (position !== undefined)
    }
    const key = [...all.keys()].toSorted((a, b) => a - b).join(' ')
    let node = this.#nodes.get(key)
    if (node === undefined) this.#nodes.set(key, (node = new PathNode(this, [...all.values()])))
    return node
  }
}

export function rootNode(rules: readonly RedactionRule[]): PathNode | undefined {
  let id = 0
  const starts = rules.map((rule) => {
    let position: Position = { rule, at: rule.path.length, id: id++, next: undefined }
    while (position.at > 0) position = { rule, at: position.at - 1, id: id++, next: position }
    return position
  })
  return new Machine().node(starts)
}

/** A path as a header field may hold it: `*.head.repo.temp_clone_token`. */
export function labelOf(path: RedactionPath): string {
  if (path.length === 0) return '*'
  return path.map((key) => encodeURIComponent(key.toWellFormed())).join('.')
}
