/**
 * What was reviewed of OpenAI, and why. Asking a model is a plain `write`: it costs, and changes nothing else. What makes
 * OpenAI act elsewhere in our name is more: servers and connectors that a request names, networks that a container may
 * use, an approval that the agent gives itself. The organisation (members, keys, limits) is nobody's environment.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'
import type { Described } from '../compile/described.ts'
import { each, inBody, type Review } from '../compile/review.ts'

const effects = {
  // It counts, and keeps nothing.
  ...each(['read'], ['Getinputtokencounts', 'beta_Getinputtokencounts']),
  ...each(
    ['write'],
    ['Compactconversation', 'beta_Compactconversation', 'Createcontentprovenancecheck'],
  ),
  ...each(['write'], ['accept-realtime-call']),
  // A caller is sent on to an address that the request names; a call that ended does not go on.
  ...each(['write', 'destructive', 'admin'], ['refer-realtime-call']),
  ...each(['write', 'destructive'], ['hangup-realtime-call', 'reject-realtime-call']),
  // A key with which whoever holds it talks to the model as this project.
  ...each(
    ['write', 'secret'],
    [
      'CreateChatSessionMethod',
      'create-realtime-client-secret',
      'create-realtime-session',
      'create-realtime-transcription-session',
      'create-realtime-translation-client-secret',
    ],
  ),
  ...each(['write', 'destructive'], ['CancelChatSessionMethod']),

  // Of the organisation, and denied with it.
  ...each(['write', 'admin'], ['Updateorganizationspendlimit', 'Updateprojectspendlimit']),
  ...each(['write', 'secret', 'admin'], ['CreateanAPIkeyforaserviceaccount']),
} satisfies Record<string, readonly Effect[]>

const carried = 'its body carries a credential for another server'

const elsewhere: readonly Condition[] = [
  // A credential that an agent has in its hands is what the broker is there to end.
  ...['tools.*.authorization', 'tools.*.headers.*', 'domain_secrets.*']
    .flatMap((name) => inBody(name, 6))
    .map((path): Condition => ({ path, noneOf: [null], widens: carried })),
  // A remote server or a connector, by its type or by what only one of them has.
  ...inBody('tools.*.type', 5).map((path): Condition => ({
    path,
    contains: 'mcp',
    adds: ['admin'],
  })),
  ...['tools.*.server_url', 'tools.*.connector_id', 'network_policy']
    .flatMap((name) => inBody(name, 5))
    .map((path): Condition => ({ path, noneOf: [null], adds: ['admin'] })),
  // An agent that answers for the person who was asked whether a tool may run.
  ...inBody('*.type', 3).map((path): Condition => ({
    path,
    contains: 'approval_response',
    adds: ['admin'],
  })),
]

/** `betas`: other names of the same requests. */
export function reviewOf(
  described: readonly Described[],
  betas: Readonly<Record<string, string>>,
): Review {
  return {
    source: 'openai/openapi 2.3.0',
    credentialIsEnvironment: true,
    account: described
      .filter(({ path }) => /^\/v1\/(?:organization|projects)\//.test(path))
      .map(({ name }) => name),
    governing: ['organization', 'projects'],
    revealing: ['admin_api_keys'],
    harmless: ['sessions'],
    effects,
    everywhere: elsewhere,
    conditions: {
      // The file holds requests that nobody read: only to where none can make OpenAI act elsewhere.
      createBatch: [
        {
          path: 'body.endpoint',
          noneOf: [
            '/v1/chat/completions',
            '/v1/completions',
            '/v1/embeddings',
            '/v1/moderations',
            '/v1/images/generations',
            '/v1/images/edits',
            '/v1/videos',
          ],
          adds: ['admin'],
        },
      ],
      // Its session comes as a part of a form that nobody reads, and may name servers, connectors and keys for them.
      'create-realtime-call': [{ path: 'body.session', adds: ['admin'] }],
      // A service outside that is told about the job.
      createFineTuningJob: [{ path: 'body.integrations.*', adds: ['admin'] }],
    },
    // A piece of text that a model chose, with its probability.
    revealsNot: ['token'],
    opaqueAnswers: [
      'GetSkillContent',
      'GetSkillVersionContent',
      'RetrieveContainerFileContent',
      'RetrieveVideoContent',
      'downloadFile',
    ],
    sameAs: betas,
  }
}
