/**
 * `valetkey agent proxy`: for an agent that cannot do DPoP. A small process beside it has the agent's key, the capability
 * and the key that it is bound to; the agent has a secret that is good at this process alone, and for as long as it runs.
 * It listens on loopback or on a socket that only its owner may open.
 */
import { chmod, lstat, open, unlink } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, type Server } from 'node:net'
import { isId } from '../ids.ts'
import { record, text } from './answer.ts'
import { capabilityOptions, wishOf } from './capability-options.ts'
import { command } from './command.ts'
import { createProver } from './dpop-prover.ts'
import { Failure, usage } from './failure.ts'
import { createHeldCapability } from './held-capability.ts'
import { newLocalSecret } from './local-door.ts'
import { createLocalProxy } from './local-proxy.ts'
import { readPrivate, withoutLineEnd } from './private-file.ts'
import type { Session } from './session.ts'
import { signAssertion } from './sign-assertion.ts'

const loopback = /^(127(?:\.[0-9]{1,3}){3}|localhost|\[::1\]):([0-9]{1,5})$/

export const agentProxy = command({
  name: 'agent proxy',
  summary: 'Hold a capability bound to a key (DPoP) for an agent that cannot',
  options: {
    ...capabilityOptions,
    listen: {
      type: 'string',
      value: '<address>',
      help: 'Where on loopback; 127.0.0.1:0, a free port, by default',
    },
    socket: { type: 'string', value: '<file>', help: 'A Unix socket in place of an address' },
    'secret-file': {
      type: 'string',
      value: '<file>',
      help: 'Where the local secret is written, for you alone; it is printed without it',
    },
  },
  json: true,
  examples: [
    'valetkey agent proxy --agent ag_01jxyz… --key-file agent.key --provider railway --secret-file run/secret',
    'valetkey agent proxy --agent ag_01jxyz… --key-file agent.key --socket run/valetkey.sock',
  ],
  notes: [
    'The agent uses http://127.0.0.1:<port>/proxy/<provider> and, as its token, the local secret.',
    'It runs until it is stopped; the secret ends with it.',
  ],
  async run(call) {
    const { options, world } = call
    if (!isId('agent', options.agent))
      throw usage('--agent must be the agent’s id, ag_…, as it was shown when the agent was added.')
    const place = placeOf(options)
    const shown = await shownBy(call, options)
    const details = wishOf(options)
    const issuer = await issuerOf(call)
    const prover = await createProver(world.now)
    const held = createHeldCapability({
      url: call.url,
      issuer,
      form: async () => ({
        grant_type: 'client_credentials',
        client_id: options.agent,
        authorization_details: JSON.stringify([details]),
        ...(await shown()),
      }),
      prover,
      fetch: world.fetch,
      now: world.now,
    })
    // Now rather than at the agent's first request: what is wrong is told to whoever starts this.
    await held.take()
    const secret = newLocalSecret()
    const proxy = createLocalProxy({ url: call.url, issuer, secret, held, prover })
    try {
      const address = await listen(proxy.server, place)
      const hosts = place.kind === 'socket' ? undefined : hostsOf(address)
      const secretFile = options['secret-file']
      if (secretFile !== undefined) await writeSecret(secretFile, secret)
      proxy.open(hosts)
      const handedOut = secretFile === undefined ? { secret } : { secret_file: secretFile }
      if (call.json) call.sayJson({ address, ...handedOut })
      else {
        call.say(address)
        if (secretFile === undefined) call.say(secret)
      }
      await world.stopped?.()
    } finally {
      await proxy.close()
    }
  },
})

type Place =
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }

function placeOf(options: { listen: string | undefined; socket: string | undefined }): Place {
  const { listen: address = '127.0.0.1:0', socket } = options
  if (socket !== undefined) {
    if (options.listen !== undefined) throw usage('--listen and --socket contradict each other.')
    return { kind: 'socket', path: socket }
  }
  const [, host = '', port = ''] = loopback.exec(address) ?? []
  if (host === '' || Number(port) > 65_535) {
    throw usage(
      '--listen must be an address of loopback, like 127.0.0.1:8475: whoever reaches it may act with the capability.',
    )
  }
  // Which of its addresses a name is, is the resolver's to say.
  const named = host === 'localhost' ? '127.0.0.1' : host.replace(/^\[|\]$/g, '')
  return { kind: 'address', host: named, port: Number(port) }
}

/** Listens, and says where. */
async function listen(server: Server, place: Place): Promise<string> {
  if (place.kind === 'socket') {
    await removeLeftover(place.path)
    // From its first moment it is closed to others: what is opened later can be used in between.
    const before = process.umask(0o177)
    try {
      server.listen(place.path)
    } finally {
      process.umask(before)
    }
  } else server.listen(place.port, place.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`It cannot listen there (${code}).`)
  }
  if (place.kind === 'socket') {
    await chmod(place.path, 0o600)
    return place.path
  }
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : place.port
  return `http://${place.host.includes(':') ? `[${place.host}]` : place.host}:${String(port)}`
}

/** The socket of one that was killed is in the way; one that answers is somebody's. */
async function removeLeftover(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket() || (process.getuid !== undefined && found.uid !== process.getuid()))
    throw usage(`${path} is there already, and is not a socket of yours.`)
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
  if (answers) throw usage(`Another process listens on ${path}.`)
  await unlink(path)
}

function hostsOf(address: string): ReadonlySet<string> {
  const { host, port } = new URL(address)
  return new Set([host, `localhost:${port}`])
}

/** Anew for each run, and in place of nothing but the secret of another run: a key file may be named by mistake. */
async function writeSecret(path: string, secret: string): Promise<void> {
  const before = await readPrivate(path, 'The secret file', { follow: false })
  if (before !== undefined && !/^vkl_[A-Za-z0-9_-]{43}\n$/.test(before))
    throw usage(`The secret file ${path} is there already, and holds something else.`)
  if (before !== undefined) await unlink(path)
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(`${secret}\n`)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`The secret file ${path} cannot be written (${code}).`)
  }
}

/**
 * What the broker calls itself: a proof is for that. It must be the broker that was named, or both be on loopback, under
 * whatever name: else one broker could have proofs made that are good at another.
 */
async function issuerOf(call: Session): Promise<string> {
  const { status, body } = await call.broker.peek('/.well-known/oauth-authorization-server')
  const issuer = text(record(body), 'issuer') ?? ''
  const named = URL.canParse(issuer) ? new URL(issuer) : undefined
  const asked = new URL(call.url)
  const both = [named?.hostname, asked.hostname].every(
    (name) => name !== undefined && /^(localhost|\[::1\]|127(\.[0-9]{1,3}){3})$/.test(name),
  )
  if (status !== 200 || named === undefined || (named.origin !== asked.origin && !both)) {
    throw new Failure(1, `The broker at ${call.url} does not call itself so.`, {
      notes: ['Name it with --url as its PUBLIC_URL does.'],
    })
  }
  return named.origin
}

/** What shows that this is the agent, for each request anew: an assertion by its own key, or the key that it shares. */
async function shownBy(
  call: Session,
  options: {
    readonly agent: string
    readonly 'key-file': string | undefined
    readonly 'private-key-file': string | undefined
  },
): Promise<() => Promise<Readonly<Record<string, string>>>> {
  const { agent, 'key-file': keyFile, 'private-key-file': path } = options
  if (path !== undefined) {
    if (keyFile !== undefined)
      throw usage('Give --key-file or --private-key-file: an agent is known in one way at a time.')
    return () => signAssertion({ agent, audience: call.url, path, now: call.world.now() })
  }
  const key = keyFile === undefined ? await call.secret('Agent’s key') : await keyFrom(keyFile)
  return () => Promise.resolve({ client_secret: key.trim() })
}

async function keyFrom(path: string): Promise<string> {
  const key = await readPrivate(path, 'The key file', { follow: true })
  if (key === undefined) throw usage(`The key file ${path} is not there.`)
  if (withoutLineEnd(key) === '') throw usage(`The key file ${path} is empty.`)
  return key
}
