/** What was reviewed of Supabase's operations by hand, each judgement with its reason. */
import type { Condition } from '../../core/condition.ts'
import type { Review } from '../compile/review.ts'

/** A function that does not ask for a token answers everybody. */
function open(path: string): Condition {
  return { path, noneOf: [true], adds: ['admin'] }
}

const signingIn = 'it is a step of signing in, or of an OAuth application of its own'

/** Where people sign in with: what an application is called there is an id of theirs, not of Supabase's. */
const identityProviders =
  'apple azure bitbucket discord facebook figma github gitlab google kakao keycloak linkedin_oidc slack_oidc notion slack spotify twitch twitter x workos zoom'
const foreignIds = [
  ...identityProviders.split(' ').map((one) => `external_${one}_client_id`),
  'external_apple_additional_client_ids',
  'external_google_additional_client_ids',
  'nimbus_oauth_client_id',
  'webauthn_rp_id',
]

/** Names of fields that are credentials wherever Supabase answers them. */
const secrets = [
  'db_pass',
  'jwt_secret',
  'password',
  'connection_string',
  'connectionString',
  'api_key',
  'secret_jwt_template',
  'root_key',
]

export const review: Review = {
  source: 'supabase/management-api 1.0.0',
  ids: [
    { at: 'ref', kind: 'project' },
    { at: 'project_ref', kind: 'project' },
    // What is merged goes into the project that the branch is of.
    {
      at: 'branch_id_or_ref',
      under: '/v1/branches/{branch_id_or_ref}/merge',
      kind: 'merged_branch',
    },
    { at: 'branch_id_or_ref', kind: 'branch' },
    // Without a home: of the account. A snippet says its project by a number, which is no ref.
    { at: 'slug', under: '/v1/organizations/', kind: 'organization' },
    { at: 'body.organization_id', kind: 'organization' },
    { at: 'id', under: '/v1/snippets/', kind: 'snippet' },
    // Inside of the project that the path names.
    { at: 'tracking_id' },
    { at: 'body.id', under: '/v1/projects/{ref}/database/backups/' },
    ...foreignIds.map((name) => ({ at: `body.${name}` })),
    { at: 'function_id' },
    { at: 'body.*.id', under: '/v1/projects/{ref}/functions' },
    { at: 'body.user_id', under: '/v1/projects/{ref}/database/jit' },
  ],
  governing: [
    'api-keys',
    'claim-token',
    'custom-hostname',
    'jit',
    'jit-access',
    'login-role',
    'network-bans',
    'pgsodium',
    'postgrest',
    'project-claim',
    'readonly',
    'vanity-subdomain',
  ],
  revealing: ['claim-token', 'login-role', 'pgsodium', 'project-claim'],
  revealsAnywhere: secrets,
  revealsNot: secrets,
  effects: {
    // The text says what it does; see `inspect`.
    'v1-run-a-query': ['read'],
    'v1-read-only-query': ['read'],
    // They list, and take their filter in a body.
    'v1-list-all-network-bans': ['read'],
    'v1-list-all-network-bans-enriched': ['read'],
    'v1-check-vanity-subdomain-availability': ['read'],
    // What it changes is for good, and nothing of the project answers meanwhile.
    'v1-upgrade-postgres-version': ['write', 'destructive'],
    'v1-pause-a-project': ['write', 'destructive'],
    'v1-delete-a-project': ['write', 'destructive', 'admin'],
    'v1-restore-a-project': ['write', 'destructive', 'admin'],
    'v1-undo': ['write', 'destructive'],
    // A schedule can be one of no backups.
    'v1-update-backup-schedule': ['write', 'destructive'],
    // They make a point to go back to, or take a deletion back.
    'v1-create-restore-point': ['write'],
    'v1-restore-a-branch': ['write'],
    'v1-setup-a-read-replica': ['write'],
    // Migrations of the branch run on the project it is of.
    'v1-merge-a-branch': ['write', 'destructive'],
    'v1-push-a-branch': ['write', 'destructive'],
    // It changes size and price, and the database starts anew.
    'v1-apply-project-addon': ['write', 'destructive', 'admin'],
    // Tokens of people: who may sign in to the database.
    'v1-authorize-jit-access': ['write', 'secret', 'admin'],
    'v1-create-login-role': ['write', 'secret', 'admin'],
    // The words of its path: who may write is no longer held back.
    'v1-disable-readonly-mode-temporarily': ['write', 'admin'],
    // A project changes its owner.
    'v1-claim-project-for-organization': ['write', 'secret', 'admin'],
    // Settings of the database's own server, among them what it loads and logs.
    'v1-update-postgres-config': ['write', 'admin'],
  },
  account: ['v1-create-a-project'],
  denied: {
    'v1-authorize-user': signingIn,
    'v1-exchange-oauth-token': signingIn,
    'v1-revoke-token': signingIn,
    'v1-oauth-authorize-project-claim': signingIn,
  },
  conditions: {
    'v1-create-a-function': [open('body.verify_jwt'), open('verify_jwt')],
    'v1-update-a-function': [open('body.verify_jwt'), open('verify_jwt')],
    // Its parts pass unread, and may say the same.
    'v1-deploy-a-function': [open('body.metadata.verify_jwt')],
    'v1-bulk-update-functions': [
      open('body.*.verify_jwt'),
      { path: 'body.*.status', noneOf: ['ACTIVE'], adds: ['destructive'] },
    ],
    'v1-disable-preview-branching': [{ widens: 'every branch of the project' }],
    'v1-diff-a-branch': [{ widens: 'the project that it is a branch of' }],
    // The next push starts the branch's database anew.
    'v1-update-a-branch-config': [
      { path: 'body.reset_on_push', noneOf: [false], adds: ['destructive'] },
    ],
  },
  // Decided on as the GET that it counts.
  sameAs: { 'v1-count-action-runs': 'v1-list-action-runs' },
}
