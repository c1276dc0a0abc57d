/**
 * Joins a description that is written in several YAML (or JSON) files into one document, in which every `$ref` points
 * inside of it: what `readOpenApi` reads. A description is somebody else's text, so a reference can name nothing but a
 * file that the caller hands out: no address, no path out of the folder; and its files, size and depth are bounded.
 */
import { posix } from 'node:path'
import { parse } from 'yaml'
import { DescriptionError, type Json } from './openapi.ts'

const mostFiles = 10_000
const mostCharacters = 64 * 1024 * 1024
const deepest = 100

/** Where the joined files stand in the document, by their paths. */
const filesKey = 'x-files'

/** The text of a file, by its path from the folder of the description; undefined where there is none. */
export type ReadFile = (path: string) => string | undefined

/** `root` is the path of the file that has the description's `paths`. Throws DescriptionError. */
export function bundle(root: string, read: ReadFile): Json {
  const joined = new Map<string, unknown>()
  const waiting = [root]
  const seen = new Set(waiting)
  let characters = 0

  const enqueue = (file: string): void => {
    if (seen.has(file)) return
    if (seen.size === mostFiles)
      throw new DescriptionError(`a description has at most ${String(mostFiles)} files`)
    seen.add(file)
    waiting.push(file)
  }

  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = read(file)
    if (text === undefined) throw new DescriptionError(`there is no file ${file}`)
    characters += text.length
    if (characters > mostCharacters) throw new DescriptionError('the description is too large')
    joined.set(file, joinedValue(parsed(file, text), { file, root, enqueue }, 0))
  }

  const document = joined.get(root)
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new DescriptionError(`${root} is not a description`)
  joined.delete(root)
  return { ...document, [filesKey]: Object.fromEntries(joined) }
}

/** Duplicate keys and floods of aliases are refused by the parser. */
function parsed(file: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 }) as unknown
  } catch (error) {
    throw new DescriptionError(`${file} is not YAML`, { cause: error })
  }
}

type Place = {
  readonly file: string
  readonly root: string
  readonly enqueue: (file: string) => void
}

function joinedValue(value: unknown, where: Place, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  // An anchor that holds its own alias would have no end.
  if (depth > deepest) throw new DescriptionError(`${where.file} is nested too deeply`)
  if (Array.isArray(value)) return value.map((item: unknown) => joinedValue(item, where, depth + 1))
  const reference = (value as Json)['$ref']
  if (typeof reference === 'string') return { $ref: inside(reference, where) }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, joinedValue(member, where, depth + 1)]),
  )
}

/** `models/a.yml#/b` → `#/x-files/models~1a.yml/b` (RFC 6901). */
function inside(reference: string, { file, root, enqueue }: Place): string {
  const hash = reference.indexOf('#')
  const named = hash === -1 ? reference : reference.slice(0, hash)
  const pointer = hash === -1 ? '' : reference.slice(hash + 1)
  if (pointer !== '' && !pointer.startsWith('/'))
    throw new DescriptionError(`${reference} in ${file} is not a pointer`)
  const target = named === '' ? file : fileOf(named, file)
  if (target !== root) {
    enqueue(target)
    const key = encodeURIComponent(target.replaceAll('~', '~0').replaceAll('/', '~1'))
    return `#/${filesKey}/${key}${pointer}`
  }
  if (pointer === '') throw new DescriptionError(`${reference} in ${file} is the whole description`)
  return `#${pointer}`
}

function fileOf(named: string, from: string): string {
  let path
  try {
    path = decodeURIComponent(named)
  } catch {
    throw new DescriptionError(`${named} in ${from} is no path`)
  }
  const target = posix.join(posix.dirname(from), path)
  if (
    path.startsWith('/') ||
    /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) ||
    /^\.\.(?:\/|$)/.test(target)
  )
    throw new DescriptionError(`${named} in ${from} is outside of the description's folder`)
  return target
}
