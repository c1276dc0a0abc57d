/**
 * What a client of AWS says about where its request goes: the credential scope of its signature (version 4). The
 * signature itself is nobody's here and is not verified: who asks is said by the capability alone, which comes where the
 * SDKs put a session token. Of the scope only names on our own list count.
 */
import { refuse, type Refused } from '../rest/refusal.ts'
import { destinationOf, type Destination } from './hosts.ts'

const signed =
  /^AWS4-HMAC-SHA256 Credential=[A-Za-z0-9_-]{1,128}\/[0-9]{8}\/([a-z0-9-]{1,40})\/([a-z0-9-]{1,40})\/aws4_request, ?SignedHeaders=[a-z0-9;_-]{1,2000}, ?Signature=[0-9a-f]{64}$/

export function readScope(
  authorization: string | undefined,
): { readonly ok: true; readonly destination: Destination } | Refused {
  if (authorization === undefined) {
    return refuse(
      'not_understood',
      'The request is not signed, so that it does not say its service and region; use an AWS SDK with any key pair and the capability as its session token.',
    )
  }
  const [, region = '', service = ''] = signed.exec(authorization) ?? []
  if (region === '') {
    return refuse(
      'not_understood',
      'The Authorization field is not a signature of version 4 (AWS4-HMAC-SHA256) with its credential scope.',
    )
  }
  const destination = destinationOf(service, region)
  if (destination === undefined) {
    return refuse(
      'operation_unknown',
      'The service or the region in the credential scope is not one that is known here: those of the partitions aws, aws-cn and aws-us-gov are.',
    )
  }
  return { ok: true, destination }
}

/** The same scope once more, as `readScope` reads it, in a field that nobody signed. */
export function scopeField({ service, region }: Destination): string {
  const scope = `approved/00000000/${region}/${service}/aws4_request`
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`
}
