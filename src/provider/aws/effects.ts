/**
 * The rules that give each operation its effects: from the words of its name and from what its answer holds. They err
 * towards more effects; what they get wrong in either direction is corrected, one operation at a time, in
 * `overrides.ts`. A name whose first word says nothing is left unsure. They run when the catalogue is compiled, never on
 * a request.
 */
import type { Effect } from '../../core/operation.ts'
import type { ServiceName } from './hosts.ts'

export type Described = {
  readonly service: ServiceName
  readonly name: string
  /** S3's method; the other protocols only know POST. */
  readonly method: string
  /** Whether the model calls a field of the answer sensitive, but for those that `harmless` lists. */
  readonly revealing: boolean
}

const readWords = new Set([
  'Describe',
  'Get',
  'Head',
  'List',
  'Query',
  'Scan',
  'Search',
  'Simulate',
])

const writeWords = new Set(
  `Accept Add Advertise Allocate Apply Assign Associate Assume Attach Authorize Bundle Change
   Complete Confirm Copy Create Enable Export Failover Generate Import Lock Modify Monitor Move
   Promote Provision Purchase Put Reboot Register Rename Replace Report Request Restore Resync
   Run Send Set Start Stop Switchover Tag Unlock Unmonitor Update Upload`.split(/\s+/),
)

const destroyingWords = new Set(
  `Abort Backtrack Cancel Deactivate Delete Deprovision Deregister Detach Disable Disassociate
   Purge Reject Release Remove Reset Revoke Terminate Unassign Untag Withdraw`.split(/\s+/),
)

/** Words anywhere in the name of a change: it changes who may do what, what guards it, or who hears of it. */
const governing = new Set(
  `Abac Access Acl Activity Association Attribute Authorize Block Byoip Certificate Client Cors
   Credit Credential Criteria Default Defaults Delegation Encryption Endpoint Flow Gateway
   Guard Hold Iam Image Ingress Egress Key Kms Launch Lock Logging Logs Metadata Mirror
   Notification Organization Ownership Pair Payment Peering Permission Permissions Policy
   Prefix Principal Profile Proxy Public Purchase Replication Reserved Resource Retention Role
   Route Routes Security Serial Share Sharing Tag Tags Tagging Traffic Transfer Trust Unlock
   User Verified Vpn Website`.split(/\s+/),
)

/** Undefined where the name does not say whether it reads. */
export function effectsOf({ service, name, method, revealing }: Described): Effect[] | undefined {
  const words = wordsOf(name)
  const [first = ''] = words
  const secret: Effect[] = revealing ? ['secret'] : []
  // A method that changes things is believed over a name that sounds harmless.
  if (readWords.has(first)) {
    return service === 's3' && method !== 'GET' && method !== 'HEAD'
      ? undefined
      : ['read', ...secret]
  }
  const destroys = destroyingWords.has(first)
  if (!destroys && !writeWords.has(first)) return undefined
  const governs =
    service === 'iam' || service === 'sts' || words.some((word) => governing.has(word))
  return [
    'write',
    ...(destroys ? (['destructive'] as const) : []),
    ...secret,
    ...(governs ? (['admin'] as const) : []),
  ]
}

/** `DeleteVpcEndpoints` is Delete, Vpc, Endpoints; `PutBucketACL` is Put, Bucket, Acl. */
function wordsOf(name: string): readonly string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z][a-z0-9]*/g) ?? []).map(
    (word) => word.slice(0, 1) + word.slice(1).toLowerCase(),
  )
}

/** Fields that the model calls sensitive, and that hold the name of a key, a mask, or what is public. */
export const harmless: ReadonlySet<string> = new Set([
  'InitQuery',
  'KMSMasterKeyID',
  'KeyId',
  'KeyValue',
  'MasterUserPassword',
  'SSEKMSEncryptionContext',
  'SSEKMSKeyId',
])
