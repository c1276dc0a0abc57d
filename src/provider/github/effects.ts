/**
 * The rules that give each operation its effects and its scope: from the method, the literal segments of the path and
 * the words of the name. They err towards more effects; what they get wrong in either direction is corrected, one
 * operation at a time, in `overrides.ts`. They run when the catalogue is compiled, never on a request.
 */
import type { Effect, OperationScope } from '../../core/operation.ts'

export type Described = { readonly name: string; readonly method: string; readonly path: string }

/** Segments under which a change is a change of who may do what, or of what runs with the repository's own rights. */
const governing = new Set([
  'app',
  'app-manifests',
  'applications',
  'approve',
  'attestations',
  'automated-security-fixes',
  'blocks',
  'bypass-list',
  'code-security',
  'codespaces',
  'collaborators',
  'conversions',
  'copilot',
  'credentials',
  'custom-patterns',
  'customization',
  'default-setup',
  'deployment_protection_rule',
  'enterprises',
  'environments',
  'gpg_keys',
  'hooks',
  'hosted-runners',
  'immutable-releases',
  'import',
  'installations',
  'interaction-limits',
  'invitations',
  'keys',
  'members',
  'memberships',
  'migrations',
  'network-configurations',
  'organization-roles',
  'outside_collaborators',
  'pages',
  'pattern-configurations',
  'pending_deployments',
  'permissions',
  'personal-access-token-requests',
  'personal-access-tokens',
  'preferences',
  'private-registries',
  'private-vulnerability-reporting',
  'properties',
  'protection',
  'push-protection-bypasses',
  'retention-limit',
  'rulesets',
  'runner-groups',
  'runners',
  'secret-scanning',
  'secrets',
  'security-advisories',
  'security-managers',
  'settings',
  'setup',
  'ssh_signing_keys',
  'storage-limit',
  'suspended',
  'teams',
  'token',
  'access_tokens',
  'transfer',
  'variables',
  'vulnerability-alerts',
])

/** Segments whose answers reveal credentials, or hold what people keep credentials in. */
const revealing = new Set([
  'access_tokens',
  'conversions',
  'credential-authorizations',
  'generate-jitconfig',
  'hook',
  'hooks',
  'keys',
  'organization-secrets',
  'organization-variables',
  'private-registries',
  'registration-token',
  'remove-token',
  'scoped',
  'secret-scanning',
  'secrets',
  'token',
  'variables',
])

const destroyingWord =
  /^(?:delete|remove|destroy|purge|revoke|reset|bulk-remove|bulk-delete)(?:-|$)/

export function effectsOf({ name, method, path }: Described): readonly Effect[] {
  const literals = path.split('/').filter((part) => part !== '' && !part.startsWith('{'))
  const action = name.slice(name.indexOf('/') + 1)
  const reads = method === 'GET'
  const result: Effect[] = [reads ? 'read' : 'write']
  if (method === 'DELETE' || (!reads && destroyingWord.test(action))) result.push('destructive')
  // The public half of a key pair, which a client encrypts new secrets with.
  if (literals.at(-1) !== 'public-key' && literals.some((part) => revealing.has(part)))
    result.push('secret')
  if (!reads && literals.some((part) => governing.has(part))) result.push('admin')
  return result
}

/**
 * An environment is a set of repositories, so what is not addressed by one repository belongs to the account, but for
 * the metadata that `public` lists.
 */
export function scopeOf({ path }: Described): OperationScope {
  const ofOneRepository =
    /^(?:\/agents|\/networks)?(?:\/repos)?\/\{(?:owner|template_owner)\}\/\{(?:repo|template_repo)\}(?:\/|$)/
  return ofOneRepository.test(path) ? 'environment' : 'account'
}
