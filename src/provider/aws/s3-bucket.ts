/** Names of buckets, and what else names an object: nothing that a host, a path or an alias could make of them. */
import { quoted, refuse, type Refused } from '../rest/refusal.ts'
import { readPath } from '../rest/segment.ts'
import { encode } from './form.ts'

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const shape = new RegExp(`^(?=.{3,63}$)${label}(?:\\.${label})*$`)
/** Names that stand for another bucket, or for one behind another kind of host. */
const alias = /(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/
const address = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/

export const bucketPattern = `^(?=.{3,63}$)${label}(?:\\.${label})*$`

export function isBucket(text: string): boolean {
  return shape.test(text) && !alias.test(text) && !address.test(text)
}

export type ObjectName = { readonly bucket: string | undefined; readonly key: string | undefined }

/** `/`, `/bucket`, `/bucket/`, `/bucket/key…`; a key may end in one `/`, as those of folders do. */
export function readObjectPath(
  path: string,
): { readonly ok: true; readonly name: ObjectName } | Refused {
  const trailing = path.length > 1 && path.endsWith('/')
  const read = readPath(trailing ? path.slice(0, -1) : path)
  if (!read.ok) return read
  const [bucket, ...rest] = read.segments
  if (bucket === undefined) return { ok: true, name: { bucket: undefined, key: undefined } }
  if (!isBucket(bucket)) {
    return refuse(
      'not_understood',
      `${quoted(bucket)} is not the name of a bucket, which stands first in the path (forcePathStyle).`,
    )
  }
  const key = rest.length === 0 ? undefined : `${rest.join('/')}${trailing ? '/' : ''}`
  return { ok: true, name: { bucket, key } }
}

/** Percent-encoded by us, every segment once, as a signature of S3 has it. */
export function encodeKey(key: string): string {
  return key.split('/').map(encode).join('/')
}

export type CopySource = { readonly bucket: string; readonly text: string }

/** `bucket/key` or `bucket/key?versionId=…`, percent-encoded; access points have names of another kind and are refused. */
export function readCopySource(header: string): ({ readonly ok: true } & CopySource) | Refused {
  const [path = '', version, ...more] = header.split('?')
  const read = readObjectPath(path.startsWith('/') ? path : `/${path}`)
  if (!read.ok) return read
  const { bucket, key } = read.name
  const versionId =
    version === undefined ? undefined : /^versionId=([A-Za-z0-9._-]{1,1024})$/.exec(version)?.[1]
  const good = more.length === 0 && (version === undefined) === (versionId === undefined)
  if (bucket === undefined || key === undefined || !good)
    return refuse(
      'not_understood',
      'The source of a copy is read as "bucket/key" or "bucket/key?versionId=…".',
    )
  const suffix = versionId === undefined ? '' : `?versionId=${versionId}`
  return { ok: true, bucket, text: `${bucket}/${encodeKey(key)}${suffix}` }
}
