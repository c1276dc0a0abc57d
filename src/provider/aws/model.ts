/** What is read of a service's description: botocore's models, as they are packed. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export type ModelReference = {
  readonly shape: string
  readonly location?: string
  readonly locationName?: string
  readonly queryName?: string
  readonly flattened?: boolean
  readonly xmlAttribute?: boolean
}
export type ModelShape = {
  readonly type: string
  readonly members?: Readonly<Record<string, ModelReference>>
  readonly member?: ModelReference
  readonly key?: ModelReference
  readonly value?: ModelReference
  readonly required?: readonly string[]
  readonly flattened?: boolean
  readonly sensitive?: boolean
  readonly payload?: string
  readonly locationName?: string
}
export type ModelOperation = {
  readonly http: { readonly method: string; readonly requestUri: string }
  readonly input?: { readonly shape: string }
  readonly output?: { readonly shape: string }
}
export type Model = {
  readonly metadata: { readonly apiVersion: string; readonly protocol: string }
  readonly operations: Readonly<Record<string, ModelOperation>>
  readonly shapes: Readonly<Record<string, ModelShape>>
}

export function readModel(path: string | URL): Model {
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as Model
}
