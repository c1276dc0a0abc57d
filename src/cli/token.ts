/**
 * Takes a capability as an agent, or a narrower one for one that it holds or may act under. The agent's key comes from stdin, a closed file or a prompt: never from an argument
 * (history, process list) and never from a variable, which every child process inherits and crash reports print.
 */
import { isId } from '../ids.ts'
import { record, records, shown, text, texts } from './answer.ts'
import { capabilityOptions, wishOf } from './capability-options.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { jtiOf } from './jwt-id.ts'
import { readChoice } from './option-value.ts'
import { readPrivate, withoutLineEnd } from './private-file.ts'
import { strangeAnswer } from './refusal.ts'
import type { Session } from './session.ts'
import { signAssertion } from './sign-assertion.ts'

const actorTypes = ['jwt', 'capability'] as const
const typePrefix = 'urn:ietf:params:oauth:token-type:'

const options = {
  ...capabilityOptions,
  from: {
    type: 'string',
    value: '<file>',
    help: 'Exchange the capability in this file for one that is no wider: the agent’s own, or one that lets it act',
  },
  'may-act': {
    type: 'string',
    multiple: true,
    value: '<id>',
    help: 'Which agent may act for it; a second one may act for the first in turn',
  },
  'without-key': {
    type: 'boolean',
    help: 'With --from, of a workload’s own: the capability is its only proof',
  },
  'actor-token-file': {
    type: 'string',
    value: '<file>',
    help: 'With --from, for a workload that acts for another: what shows who it is, in place of a key',
  },
  'actor-token-type': {
    type: 'string',
    value: actorTypes.join('|'),
    help: 'What that is: its platform’s token (usual), or a capability of its own',
  },
} as const

type Options = {
  readonly [
    K in 'from' | 'key-file' | 'private-key-file' | 'actor-token-file' | 'actor-token-type'
  ]: string | undefined
} & { readonly 'without-key': boolean }

export const token = command({
  name: 'token',
  summary: 'Take a capability with an agent’s key; prints it alone on stdout',
  options: {
    ...options,
    handle: {
      type: 'boolean',
      help: 'As a text that looks like the provider’s own tokens, for clients that refuse a JWT',
    },
  },
  json: true,
  examples: [
    'TOKEN=$(valetkey token --agent ag_01jxyz… --provider github --environment acme/staging < agent.key)',
    'valetkey token --agent ag_01jxyz… --key-file agent.key --verb repos/get --lifetime 60s',
    'valetkey token --agent ag_01jxyz… --private-key-file agent.pem',
    'valetkey token --agent ag_01jxyz… --key-file agent.key --may-act ag_01helper… > for-helper',
    'valetkey token --agent ag_01helper… --key-file helper.key --from for-helper --verb read',
    'valetkey token --agent ag_01job… --actor-token-file job.jwt --from for-job',
  ],
  async run(call) {
    const { options, world } = call
    if (world.env['VALETKEY_AGENT_KEY'] !== undefined) {
      throw usage(
        'VALETKEY_AGENT_KEY is not read: every program that is started from here inherits it.',
        'Unset it, and pipe the key in or name a closed file with --key-file.',
      )
    }
    if (!isId('agent', options.agent))
      throw usage('--agent must be the agent’s id, ag_…, as it was shown when the agent was added.')
    if (!options['may-act'].every((id) => isId('agent', id)))
      throw usage('--may-act must be an agent’s id, ag_….')
    const details = {
      ...wishOf(options),
      ...(options.handle ? { token: 'handle' } : {}),
      ...(options['may-act'].length === 0 ? {} : { may_act: options['may-act'] }),
    }
    const shows = waysOf(options)
    const answer = await call.broker.form('/oauth/token', {
      ...(await whatFor(options.from)),
      client_id: options.agent,
      ...(shows === 'key' ? await proofOf(call, options.agent) : await actorOf(options)),
      authorization_details: JSON.stringify([details]),
    })
    const issued = record(answer)
    const capability = text(issued, 'access_token')
    if (capability === undefined || !/^[A-Za-z0-9_.-]+$/.test(capability))
      throw strangeAnswer(200, call.url)
    if (call.json) call.sayJson(answer, 2)
    else call.say(capability)
    const [given] = records(issued, 'authorization_details')
    if (given === undefined) return
    world.terminal.err(
      `${jtiOf(capability) ?? 'A capability'} for ${shown(given, 'provider')} in ${shown(given, 'environment')}, good for ${shown(issued, 'expires_in')} seconds: ${texts(given, 'verbs').join(', ')}`,
    )
  },
})

/** How whoever asks shows who it is. Throws where that is said in two ways, or in one that the rest contradicts. */
function waysOf(given: Options): 'key' | 'capability' | 'actor' {
  const ways = [
    given['key-file'] !== undefined || given['private-key-file'] !== undefined ? 'key' : undefined,
    given['without-key'] ? 'capability' : undefined,
    given['actor-token-file'] !== undefined ? 'actor' : undefined,
  ] as const
  const [way = 'key', second] = ways.filter((each) => each !== undefined)
  if (second !== undefined)
    throw usage('Give a key, --without-key or --actor-token-file: one shows who asks.')
  if (way !== 'key' && given.from === undefined)
    throw usage('--without-key and --actor-token-file go with --from.')
  if (given['actor-token-type'] !== undefined && way !== 'actor')
    throw usage('--actor-token-type goes with --actor-token-file.')
  return way
}

/** RFC 6749 §4.4, or RFC 8693 §2.1. */
async function whatFor(from: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (from === undefined) return { grant_type: 'client_credentials' }
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await secretIn(from, 'capability'),
    subject_token_type: `${typePrefix}access_token`,
  }
}

async function actorOf(given: Options): Promise<Readonly<Record<string, string>>> {
  const path = given['actor-token-file']
  if (path === undefined) return {}
  const type = readChoice('--actor-token-type', given['actor-token-type'], actorTypes) ?? 'jwt'
  return {
    actor_token: await secretIn(path, 'actor token'),
    actor_token_type: `${typePrefix}${type === 'jwt' ? 'jwt' : 'access_token'}`,
  }
}

/** What shows that this is the agent: an assertion by its own key, or the key that it shares with the broker. */
async function proofOf(
  call: Session & {
    readonly options: { 'key-file': string | undefined; 'private-key-file': string | undefined }
  },
  agent: string,
): Promise<Readonly<Record<string, string>>> {
  const { 'key-file': keyFile, 'private-key-file': path } = call.options
  if (path !== undefined) {
    if (keyFile !== undefined)
      throw usage('Give --key-file or --private-key-file: an agent is known in one way at a time.')
    return signAssertion({ agent, audience: call.url, path, now: call.world.now() })
  }
  const key =
    keyFile === undefined ? await call.secret('Agent’s key') : await secretIn(keyFile, 'key')
  return { client_secret: key.trim() }
}

/** From a file that is closed to others: a capability, too, is good for whoever reads it. */
async function secretIn(path: string, what: string): Promise<string> {
  const secret = await readPrivate(path, `The ${what} file`, { follow: true })
  if (secret === undefined) throw usage(`The ${what} file ${path} is not there.`)
  if (withoutLineEnd(secret) === '') throw usage(`The ${what} file ${path} is empty.`)
  return withoutLineEnd(secret)
}
