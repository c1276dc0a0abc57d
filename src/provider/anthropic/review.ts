/**
 * What was reviewed of Anthropic, and why. Asking a model is a plain `write`: it costs, and changes nothing else. What
 * makes Anthropic act elsewhere in our name is more: servers that a request names, pages that it has fetched, keys of a
 * vault that an agent there may use. The organisation (members, keys, limits) is nobody's environment.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'
import type { Described } from '../compile/described.ts'
import { each, inBody, type Review } from '../compile/review.ts'

const effects = {
  // It counts, and keeps nothing.
  ...each(['read'], ['beta.messages.messages.countTokens']),
  ...each(
    ['write'],
    ['beta.deployments.unpause', 'beta.environments.work.ack', 'beta.environments.work.heartbeat'],
  ),
  // A GET that takes the work from the queue, for whoever asks first.
  ...each(['write'], ['beta.environments.work.poll']),
  // What is redacted is gone.
  ...each(['write', 'destructive'], ['beta.memory-stores.memory-versions.redact']),

  // The way into a private network.
  ...each(['write', 'admin'], ['beta.tunnels.tunnels.create', 'beta.tunnels.certificates.create']),
  ...each(
    ['write', 'destructive', 'admin'],
    ['beta.tunnels.tunnels.archive', 'beta.tunnels.certificates.archive'],
  ),
  ...each(['write', 'secret', 'admin'], ['beta.tunnels.tunnels.revealToken']),
  ...each(['write', 'destructive', 'secret', 'admin'], ['beta.tunnels.tunnels.rotateToken']),

  // Credentials that agents over there may use: what they are is never shown, who has them is decided.
  ...each(['read'], ['beta.vaults.credentials.list', 'beta.vaults.credentials.retrieve']),
  ...each(
    ['write', 'admin'],
    [
      'beta.vaults.vaults.create',
      'beta.vaults.vaults.update',
      'beta.vaults.credentials.create',
      'beta.vaults.credentials.update',
      'beta.vaults.credentials.mcpOAuthValidate',
    ],
  ),
  ...each(
    ['write', 'destructive', 'admin'],
    [
      'beta.vaults.vaults.archive',
      'beta.vaults.vaults.delete',
      'beta.vaults.credentials.archive',
      'beta.vaults.credentials.delete',
    ],
  ),

  // People, and the links with which whoever holds one acts as one of them.
  ...each(
    ['write', 'admin'],
    ['beta.user-profiles.user-profiles.create', 'beta.user-profiles.user-profiles.update'],
  ),
  ...each(['write', 'destructive', 'admin'], ['beta.user-profiles.user-profiles.delete']),
  ...each(
    ['write', 'secret', 'admin'],
    [
      'beta.user-profiles.user-profiles.createEnrollmentURL',
      'beta.user-profiles.action-urls.create',
    ],
  ),

  // Of the organisation, and denied with it.
  ...each(['write', 'destructive', 'admin'], ['beta.organization.users.signOut']),
  ...each(
    ['write', 'destructive', 'secret', 'admin'],
    ['beta.organization.webhooks.regenerateSigningSecret'],
  ),
} satisfies Record<string, readonly Effect[]>

/** A batch holds whole requests three deep. */
const elsewhere: readonly Condition[] = [
  // A credential that an agent has in its hands is what the broker is there to end; a vault holds it instead.
  ...inBody('authorization_token', 6).map((path): Condition => ({
    path,
    noneOf: [null],
    widens: 'its body carries a credential for another server',
  })),
  ...inBody('mcp_servers.*', 4).map((path): Condition => ({ path, adds: ['admin'] })),
  ...inBody('vault_ids.*', 3).map((path): Condition => ({ path, adds: ['admin'] })),
  // Any page, with words of the conversation in its address.
  ...inBody('tools.*.type', 4).map((path): Condition => ({
    path,
    contains: 'web_fetch',
    adds: ['admin'],
  })),
]

const workSecrets = ['secret', 'sessions_token', 'data.*.secret', 'data.*.sessions_token']

export function reviewOf(described: readonly Described[]): Review {
  return {
    source: 'anthropic operations (@anthropic-ai/sdk 1.11)',
    credentialIsEnvironment: true,
    account: described
      .filter(({ path }) => path.startsWith('/v1/organizations/'))
      .map(({ name }) => name),
    // A conversation of an agent, not a sign-in.
    harmless: ['sessions'],
    effects,
    everywhere: elsewhere,
    conditions: {
      // An agent that answers for the person who was asked whether a tool may run.
      'beta.sessions.events.send': [
        { path: 'body.events.*.type', contains: 'tool_confirmation', adds: ['admin'] },
      ],
      // What a container over there may connect to.
      'beta.environments.environments.create': [
        { path: 'body.config.networking', adds: ['admin'] },
      ],
      'beta.environments.environments.update': [
        { path: 'body.config.networking', adds: ['admin'] },
      ],
    },
    // With it, whoever does the work speaks as the session whose work it is.
    reveals: Object.fromEntries(
      described
        .filter(({ name }) => name.startsWith('beta.environments.work.') && !name.endsWith('stats'))
        .map(({ name }) => [name, workSecrets]),
    ),
    opaqueAnswers: ['files.download', 'beta.skills.versions.download'],
  }
}
