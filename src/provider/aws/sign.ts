/**
 * Signs a request for AWS, with signature version 4, at the moment it leaves. The signature is over the method, the path,
 * the query, the body and every field that says something, and over the host that it goes to: nothing that was decided
 * on can be changed on the way, and nothing of it can be used at another host.
 */
import { createHash, createHmac } from 'node:crypto'
import aws4 from 'aws4'
import { parseJson } from '../../core/json.ts'
import type { RebuiltRequest } from '../adapter.ts'

export type AwsKeys = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

const forms: Readonly<Record<keyof AwsKeys, RegExp>> = {
  accessKeyId: /^[A-Za-z0-9]{10,128}$/,
  secretAccessKey: /^[A-Za-z0-9/+=]{16,256}$/,
  // AWS states no upper bound, and asks that none be assumed; the fields of a request hold no more than this.
  sessionToken: /^[A-Za-z0-9/+=_-]{16,8192}$/,
}

/** `{"accessKeyId":"…","secretAccessKey":"…"}`, with a `sessionToken` where the key pair is a temporary one. */
export function readAwsKeys(secret: string): AwsKeys | undefined {
  const parsed = parseJson(Buffer.from(secret))
  if (!parsed.ok) return undefined
  const { value } = parsed
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
  for (const [name, part] of Object.entries(value)) {
    if (!Object.hasOwn(forms, name) || typeof part !== 'string') return undefined
    if (!forms[name as keyof AwsKeys].test(part)) return undefined
  }
  const { accessKeyId, secretAccessKey, sessionToken } = value
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return undefined
  return {
    accessKeyId,
    secretAccessKey,
    ...(typeof sessionToken === 'string' ? { sessionToken } : {}),
  }
}

/** aws4's own keeps the last thousand secret keys in a cache of the module, for as long as the process lives. */
class Signer extends aws4.RequestSigner {
  override signature(): string {
    const key = [this.getDateTime().slice(0, 8), this.region, this.service, 'aws4_request'].reduce(
      (above: string | Buffer, part) => createHmac('sha256', above).update(part).digest(),
      `AWS4${this.credentials.secretAccessKey ?? ''}`,
    )
    return createHmac('sha256', key).update(this.stringToSign()).digest('hex')
  }
}

/**
 * The fields of `request` and those of its signature. `host` is the one it is sent to, with its port where that is not
 * the scheme's own; `now` is in milliseconds since the epoch.
 */
export function signAws(
  request: RebuiltRequest & { readonly signing: NonNullable<RebuiltRequest['signing']> },
  host: string,
  keys: AwsKeys,
  now: number,
): Record<string, string> {
  const { service, region } = request.signing
  const datetime = `${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': createHash('sha256')
      .update(request.body ?? '')
      .digest('hex'),
    'x-amz-date': datetime,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  }
  const scope = { service, region, datetime }
  const authorization = authorizationOf({ ...request, headers: { ...headers, host } }, scope, keys)
  return { ...headers, authorization }
}

/** The `Authorization` field of a request with exactly these fields. `datetime` is `20150830T123600Z`. */
export function authorizationOf(
  { method, target: path, headers, body }: Omit<RebuiltRequest, 'signing'>,
  scope: { readonly service: string; readonly region: string; readonly datetime: string },
  keys: AwsKeys,
): string {
  const { service, region, datetime } = scope
  const signed = { service, region, method, path, headers, doNotModifyHeaders: true }
  const signer = new Signer(body === undefined ? signed : { ...signed, body }, keys)
  signer.datetime = datetime
  return signer.authHeader()
}
