/**
 * Effects by rule, each with its reason: the provider's own scopes (which only ever add), the method, the words of the
 * operation's name and of the path's last literal segment, the segments under which credentials and rights lie. The
 * rules err towards more effects. What they cannot tell ships denied and is listed for review: never guessed `read`.
 */
import type { Effect } from '../../core/operation.ts'
import { literalsOf, wordsOf, type Described } from './described.ts'
import type { Review } from './review.ts'

export type Classified = {
  /** The base effect first. */
  readonly effects: readonly Effect[]
  /** One for each effect, and for the doubt. */
  readonly why: readonly string[]
  /** Why it could not be told what it does. */
  readonly unsure: string | undefined
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

const reading = words(
  'get list retrieve read search query find show describe check validate verify preview count download view fetch head lookup estimate compare watch export status index options metrics logs history summary',
)
const writing = words(
  'create update set add put patch edit upsert post send enable start run build deploy upload attach assign apply invoke register submit trigger publish import copy clone rename move resize restart reboot pause resume retry sync refresh link connect invite confirm complete finalize pay capture accept mark tag label comment follow request generate increase test resend advance ingest touch open pin redeliver render redirect merge activate snapshot change modify save transfer bulk batch report migrate collect adjust respond present provision initiate convert chat embed complete completions messages responses transcriptions translations speech edits variations',
)
const destroying = words(
  'delete del remove destroy purge revoke reset drop wipe terminate clear truncate flush restore rollback replace void expire uninstall evict cancel disable deactivate suspend archive unpublish detach disconnect abort shutdown stop kill prune recreate rebuild erase close reject power off scale drain failover promote',
)
const governing = words(
  'access admin admins apikeys api_keys approvals auth authorizations authorization-rules billing bindings certificates clusterrolebindings clusterroles collaborators connections domains firewall firewalls grants groups hooks iam identities identity invitations invites ip_allowlist keys licenses members memberships mfa networks network-restrictions oauth organizations owners password permissions policies projects_members registries restrictions rolebindings roles saml scim secrets security serviceaccounts service_accounts settings sso ssl-enforcement team teams token tokens transfers trusted users webhook_endpoints webhooks webhook',
)
const revealing = words(
  'access_keys access_tokens api-keys apikeys api_keys auth ca connection connection_string credential credentials env environment-variables ephemeral_keys jwt jwks keys kubeconfig login oauth password passwords private-key private_key registration-token reset_auth secret secrets session sessions signing-keys ssh_keys token tokens variables',
)

export function classify(described: Described, review: Review): Classified {
  const { name, method, path, scopes } = described
  const reviewed = review.effects?.[name]
  if (reviewed !== undefined) return { effects: reviewed, why: ['reviewed'], unsure: undefined }

  const harmless = new Set(review.harmless)
  const literals = literalsOf(path)
  const action = new Set([...wordsOf(name), ...wordsOf(lastOf(literals))])
  const has = (set: ReadonlySet<string>): string | undefined =>
    [...action].find((word) => set.has(word) && !harmless.has(word))
  const under = (general: ReadonlySet<string>, own: readonly string[] = []): string | undefined =>
    literals.find((part) => !harmless.has(part) && (general.has(part) || own.includes(part)))

  const why: string[] = []
  const effects: Effect[] = []
  const add = (effect: Effect, reason: string): void => {
    if (effects.includes(effect)) return
    effects.push(effect)
    why.push(`${effect}: ${reason}`)
  }

  const destroys = has(destroying)
  const writes = has(writing)
  let unsure: string | undefined
  if (method === 'GET' || method === 'HEAD') {
    add('read', `it is a ${method}`)
    // A scope to change things, on something that only reads, means that one of the two is not what it says.
    const changing = scopes.find((scope) => /(?:^|[:._-])(?:create|update|delete)$/i.test(scope))
    if (changing !== undefined)
      unsure = `it is a ${method} that asks for the permission ${changing}`
  } else {
    add('write', `it is a ${method}`)
    if (method === 'DELETE') add('destructive', 'it is a DELETE')
    if (destroys !== undefined) add('destructive', `its name or path says "${destroys}"`)
    if (
      method === 'POST' &&
      destroys === undefined &&
      writes === undefined &&
      has(reading) === undefined
    )
      unsure = 'neither its name nor its path says what it does'
  }
  const destroyingScope = scopes.find((scope) => /(?:^|[:._-])delete$/i.test(scope))
  if (destroyingScope !== undefined && !effects.includes('read'))
    add('destructive', `it asks for the permission ${destroyingScope}`)
  const reveals = under(revealing, review.revealing)
  if (reveals !== undefined) add('secret', `"${reveals}" in its path holds credentials`)
  if (!effects.includes('read')) {
    const governs = under(governing, review.governing)
    if (governs !== undefined) add('admin', `"${governs}" in its path decides who may do what`)
    const scope = scopes.find((one) => /(?:^|[:._-])admin(?:$|[:._-])/i.test(one))
    if (scope !== undefined) add('admin', `it asks for the permission ${scope}`)
  }
  return { effects, why, unsure }
}

/**
 * A word by which something that is read with a GET sounds as if it acted: its name or its path's last literal segment
 * says so, and no word of its name that it only reads. For descriptions that nobody here has looked at.
 */
export function soundsLikeAnAct({ name, path, method }: Described): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  // A name that was made of method and path begins with a word that says nothing.
  const own = new Set(wordsOf(name.replace(/^(?:get|head)\//, '')))
  const acts = (word: string): boolean => destroying.has(word) || writing.has(word)
  const last = lastOf(literalsOf(path))
  if (destroying.has(last)) return last
  return [...own].some((word) => reading.has(word))
    ? undefined
    : [...own, ...wordsOf(last)].find(acts)
}

function lastOf(literals: readonly string[]): string {
  return literals.at(-1) ?? ''
}
