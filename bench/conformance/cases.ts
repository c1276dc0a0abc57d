/**
 * The case files, read from wherever they are, with the expansion of placeholders that comes beside them. Their content
 * is data of others: what has not the shape that this driver knows is reported as not driven, never passed over.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const fileNames = [
  'graphql',
  'rest',
  'raw_http',
  'jwt_attacks',
  'leak_probes',
  'text_injection',
] as const
export type FileName = (typeof fileNames)[number]

export type Json = Readonly<Record<string, unknown>>

export type Case = {
  readonly id: string
  readonly category?: string
  readonly provider?: string
  readonly request: Json
  readonly expect: Json
}

export type Values = Readonly<Record<string, string>>

/** What `expand.mjs` exports. */
export type Expansion = {
  readonly defaults: Values
  expand(text: string, values: Values): string
  expandDeep<T>(value: T, values: Values): T
  encodeBody(text: string, transforms?: readonly string[]): Buffer
  expandRaw(raw: string, values: Values): Buffer
}

export const sharedCases = fileURLToPath(new URL('../../../shared/conformance/', import.meta.url))

export function casesPresent(directory: string): boolean {
  return existsSync(path.join(directory, 'expand.mjs'))
}

export async function loadExpansion(directory: string): Promise<Expansion> {
  return (await import(pathToFileURL(path.join(directory, 'expand.mjs')).href)) as Expansion
}

/** The cases of one file; undefined where the directory has no such file. */
export function loadCases(directory: string, name: FileName): readonly Case[] | undefined {
  const file = path.join(directory, `${name}.json`)
  if (!existsSync(file)) return undefined
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] }).cases
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

export function object(value: unknown): Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {}
}

/** Header fields as pairs, from pairs or from an object. */
export function pairs(value: unknown): readonly (readonly [string, string])[] {
  if (Array.isArray(value)) return (value as [string, unknown][]).map(([n, v]) => [n, String(v)])
  return Object.entries(object(value)).map(([n, v]) => [n, String(v)])
}

/** The members that this driver does not know: a case that has any cannot be said to have been driven. */
export function unknownMembers(value: unknown, known: readonly string[]): readonly string[] {
  return Object.keys(object(value)).filter((name) => !known.includes(name))
}
