/** Signing in. What is kept is a bearer of minutes, never the password. */
import { record, text } from './answer.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { askForCode, identityProviderOf } from './identity-code.ts'
import { strangeAnswer } from './refusal.ts'
import { configHome, saveSignIn } from './sign-in-file.ts'

export const login = command({
  name: 'login',
  summary: 'Sign in, for fifteen minutes',
  options: {
    name: {
      type: 'string',
      value: '<name>',
      help: 'Your name as an operator; without it you sign in at the identity provider',
    },
  },
  password: true,
  examples: ['valetkey login --name admin', 'valetkey login'],
  notes: [
    'The sign-in is kept in a file that only you can open, in $VALETKEY_CONFIG_HOME or $XDG_CONFIG_HOME/valetkey.',
    'Whoever runs as you can read it for as long as it lasts: do not run agents as the user who administers the broker.',
  ],
  async run(call) {
    const { name } = call.options
    const byProvider = name === undefined
    if (byProvider && (await identityProviderOf(call.broker)) === undefined)
      throw usage('--name is missing.', 'See:  valetkey login --help')
    const answer = record(
      byProvider
        ? await call.broker.send('POST', '/v1/sign-in/code', {
            ...(await askForCode(call.broker, call.world.terminal, 'sign_in')),
          })
        : await call.broker.send('POST', '/v1/sign-in', { name, password: await call.password() }),
    )
    const token = text(answer, 'token')
    const seconds = Number(text(answer, 'expires_in'))
    const known = name ?? text(answer, 'name')
    if (token === undefined || known === undefined || !(seconds > 0))
      throw strangeAnswer(200, call.url)
    const expiresAt = call.world.now() + seconds * 1000
    const signIn = { url: call.url, name: known, token, expiresAt }
    await saveSignIn(configHome(call.world.env), byProvider ? { ...signIn, byProvider } : signIn)
    call.say(`Signed in to ${call.url} as ${known}, until ${new Date(expiresAt).toISOString()}.`)
  },
})
