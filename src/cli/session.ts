/** What a command works with: the broker, the stored sign-in, the terminal and the password, each fetched when needed. */
import { createClient, type Client } from './client.ts'
import { brokerUrl } from './broker-url.ts'
import { Failure, usage } from './failure.ts'
import { askForCode } from './identity-code.ts'
import { readPrivate, withoutLineEnd } from './private-file.ts'
import { configHome, readSignIn } from './sign-in-file.ts'
import type { Terminal } from './terminal.ts'
import { visibleJson } from './terminal-text.ts'

/** What the CLI has of the world. Built in `main`, where alone `process` is touched. */
export type World = {
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fetch: typeof fetch
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Resolves when what runs on is told to stop. */
  readonly stopped?: () => Promise<void>
}

/** What of a command's line every command understands. */
export type Common = {
  readonly url: string | undefined
  readonly json: boolean
  readonly passwordFile: string | undefined
}

export type Session = {
  readonly world: World
  /** The broker's origin. */
  readonly url: string
  /** Whether --json was given. */
  readonly json: boolean
  /** The broker, without a sign-in. */
  readonly broker: Client
  /** The broker, as whoever has signed in. Throws where nobody has. */
  signedIn(): Promise<Client>
  /**
   * The operator's password: from the file that was named, else typed. Asked for once in a command. Of who signs in at an
   * identity provider the proof that stands in its place, which works once: each call asks for another.
   */
  password(): Promise<string>
  /** A password that was named in a file, or undefined. */
  passwordFromFile(): Promise<string | undefined>
  /** Another secret: what is piped in, else typed. */
  secret(what: string): Promise<string>
  /** Prints a line. */
  say(line: string): void
  /** Prints an answer as JSON that means exactly what came. */
  sayJson(value: unknown, indent?: number): void
}

/** Bytes: the longest secret there is, with room. */
const longestSecret = 16_384

export function openSession(world: World, common: Common): Session {
  const { terminal, env } = world
  const url = brokerUrl(common.url, env['VALETKEY_URL'])
  const broker = createClient({ url, fetch: world.fetch })
  let known: string | undefined
  /** Whoever acts in this command has no password. */
  let byProvider = false

  async function passwordFromFile(): Promise<string | undefined> {
    const path = common.passwordFile ?? env['VALETKEY_PASSWORD_FILE']
    if (path === undefined || path === '') return undefined
    const text = await readPrivate(path, 'The password file', { follow: true })
    if (text === undefined) throw usage(`The password file ${path} is not there.`)
    const password = withoutLineEnd(text)
    if (password === '') throw usage(`The password file ${path} is empty.`)
    return password
  }

  return {
    world,
    url,
    json: common.json,
    broker,
    async signedIn() {
      const stored = await readSignIn(configHome(env), url, world.now())
      switch (stored.kind) {
        case 'found':
          byProvider = stored.signIn.byProvider === true
          return createClient({ url, bearer: stored.signIn.token, fetch: world.fetch })
        case 'none':
          throw notSignedIn(`Nobody is signed in to ${url}.`, '<name>')
        case 'expired':
          throw notSignedIn(
            `The sign-in of ${stored.signIn.name} has ended, at ${new Date(stored.signIn.expiresAt).toISOString()}; one lasts fifteen minutes.`,
            stored.signIn.byProvider === true ? undefined : stored.signIn.name,
          )
        case 'other_broker':
          throw notSignedIn(
            `The stored sign-in is one for ${stored.signIn.url}, and is not sent to ${url}.`,
            stored.signIn.name,
          )
      }
    },
    async password() {
      if (byProvider) {
        const { code, verifier } = await askForCode(broker, terminal, 'act')
        return `${verifier}.${code}`
      }
      known ??= (await passwordFromFile()) ?? (await terminal.hidden('Your password'))
      if (known === undefined) {
        throw usage(
          'This needs your password, and there is no terminal to ask at.',
          'Name a file that holds it, closed to others (0600), with --password-file or VALETKEY_PASSWORD_FILE.',
        )
      }
      if (known === '') throw usage('No password was given.')
      return known
    },
    passwordFromFile,
    async secret(what) {
      const given = await piped(terminal)
      const text = given === undefined ? await terminal.hidden(what) : withoutLineEnd(given)
      if (text === undefined || text === '')
        throw usage(`No ${lowerFirst(what)} was given: pipe it in, or type it when asked.`)
      return text
    },
    say: (line) => terminal.out(line),
    sayJson(value, indent) {
      for (const line of visibleJson(value, indent)) terminal.out(line)
    },
  }
}

async function piped(terminal: Terminal): Promise<string | undefined> {
  try {
    return await terminal.piped(longestSecret)
  } catch (error) {
    if (error instanceof RangeError) throw usage('What is piped in is longer than any secret.')
    throw error
  }
}

function notSignedIn(sentence: string, name: string | undefined): Failure {
  return new Failure(1, sentence, {
    code: 'sign_in_required',
    notes: [`Sign in with:  valetkey login${name === undefined ? '' : ` --name ${name}`}`],
  })
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
