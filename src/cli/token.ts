/**
 * Takes a capability as an agent. The agent's key comes from stdin, a closed file or a prompt: never from an argument
 * (history, process list) and never from a variable, which every child process inherits and crash reports print.
 */
import { isId } from '../ids.ts'
import { record, records, shown, text, texts } from './answer.ts'
import { capabilityOptions, wishOf } from './capability-options.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { jtiOf } from './jwt-id.ts'
import { readPrivate, withoutLineEnd } from './private-file.ts'
import { strangeAnswer } from './refusal.ts'
import type { Session } from './session.ts'
import { signAssertion } from './sign-assertion.ts'

export const token = command({
  name: 'token',
  summary: 'Take a capability with an agent’s key; prints it alone on stdout',
  options: {
    ...capabilityOptions,
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
    const details = {
      ...wishOf(options),
      ...(options.handle ? { token: 'handle' } : {}),
    }
    const answer = await call.broker.form('/oauth/token', {
      grant_type: 'client_credentials',
      client_id: options.agent,
      ...(await proofOf(call, options.agent)),
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
  const key = keyFile === undefined ? await call.secret('Agent’s key') : await keyFrom(keyFile)
  return { client_secret: key.trim() }
}

async function keyFrom(path: string): Promise<string> {
  const key = await readPrivate(path, 'The key file', { follow: true })
  if (key === undefined) throw usage(`The key file ${path} is not there.`)
  if (withoutLineEnd(key) === '') throw usage(`The key file ${path} is empty.`)
  return key
}
