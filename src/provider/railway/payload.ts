/**
 * Payloads that the schema calls a scalar and that can delete what the operation's name says nothing of: the patch of an
 * environment's configuration, and change sets. A patch that is not wholly recognised is destructive, and an id in a
 * place we do not know is a target nothing can resolve, which is denied.
 */
import type { Effect, JsonObject, JsonValue, ResourceRef } from '../../core/operation.ts'
import type { PayloadReading } from '../graphql/catalogue.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const deletion = /delet|remov|destroy|wipe/i

/** The keys of an EnvironmentConfig, as Railway's own CLI reads them. */
const sections: ReadonlySet<string> = new Set([
  'services',
  'sharedVariables',
  'volumes',
  'buckets',
  'privateNetworkDisabled',
])

/** A patch: `services.<id>`, `volumes.<id>`, `buckets.<id>`, `services.<id>.volumeMounts.<volume id>`. */
export function readEnvironmentConfig(value: JsonValue | undefined, path: string): PayloadReading {
  // What committing no patch does, the schema does not say.
  if (value === undefined || value === null) return { ok: true, added: ['destructive'], ids: [] }
  if (!isObject(value)) return { ok: false, detail: `The argument ${path} is not an object.` }
  const found: Found = { ids: [], destructive: false }
  for (const [section, content] of Object.entries(value)) {
    const at = `${path}.${section}`
    if (!sections.has(section)) {
      found.destructive = true
      if (uuid.test(section)) unknownId(section, path, found)
    }
    if (section !== 'services' && section !== 'volumes' && section !== 'buckets') {
      inspect(content, at, found, section === 'sharedVariables')
      continue
    }
    if (!isObject(content))
      return { ok: false, detail: `The argument ${path} has ${section} that are not an object.` }
    for (const [id, entry] of Object.entries(content)) {
      found.ids.push({ ...roles[section], id, path: at })
      if (section === 'services' && isObject(entry)) inspectService(entry, at, found)
      else inspect(entry, at, found)
    }
  }
  return reading(found)
}

/** One service's entry: its mounts are keyed by volume, and its variables hold the agent's own text. */
function inspectService(entry: JsonObject, path: string, found: Found): void {
  for (const [key, below] of Object.entries(entry)) {
    const at = `${path}.${key}`
    if (key === 'volumeMounts' && isObject(below)) {
      for (const [volume, mount] of Object.entries(below)) {
        found.ids.push({ ...roles.volumes, id: volume, path: at })
        inspect(mount, at, found)
      }
    } else inspect({ [key]: below }, path, found, key === 'variables')
  }
}

const roles = {
  services: { kind: 'service', role: 'container' },
  // A volume's entry in one environment's patch can still name a volume that lives in several.
  volumes: { kind: 'volume', role: 'target' },
  buckets: { kind: 'bucket', role: 'container' },
} as const

/** A change set, whose shape is not published: any id in it is a target of a kind that nothing resolves. */
export function readChangeSet(value: JsonValue | undefined, path: string): PayloadReading {
  if (!isObject(value)) return { ok: false, detail: `The argument ${path} is not an object.` }
  const found: Found = { ids: [], destructive: true }
  inspect(value, path, found)
  return reading(found)
}

type Found = { ids: ResourceRef[]; destructive: boolean }

function reading(found: Found): PayloadReading {
  const added: Effect[] = found.destructive ? ['destructive'] : []
  return { ok: true, added, ids: found.ids }
}

/** Walks what is left: flags of deletion, nulls (which clear what stands there), and ids where none is expected. */
function inspect(
  value: JsonValue | undefined,
  path: string,
  found: Found,
  inVariables = false,
): void {
  // Undefined: a variable inside a literal that was not sent. What the provider makes of it is its own affair.
  if (value === null || value === undefined) {
    found.destructive = true
  } else if (typeof value === 'string') {
    // The value of a variable is the agent's own text: an id in there names nothing.
    if (!inVariables && uuid.test(value)) unknownId(value, path, found)
  } else if (Array.isArray(value)) {
    for (const item of value) inspect(item, path, found, inVariables)
  } else if (typeof value === 'object') {
    for (const [key, below] of Object.entries(value)) {
      // A variable may be called DELETE_AFTER; a flag is never an object.
      if (deletion.test(key) && below !== false && !(inVariables && isObject(below)))
        found.destructive = true
      if (!inVariables && uuid.test(key)) unknownId(key, path, found)
      inspect(below, `${path}.${key}`, found, inVariables)
    }
  }
}

function unknownId(id: string, path: string, found: Found): void {
  found.ids.push({ kind: 'object', id, role: 'target', path })
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
