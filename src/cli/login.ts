/** Signing in. What is kept is a bearer of minutes, never the password. */
import { record, text } from './answer.ts'
import { command } from './command.ts'
import { strangeAnswer } from './refusal.ts'
import { configHome, saveSignIn } from './sign-in-file.ts'

export const login = command({
  name: 'login',
  summary: 'Sign in, for fifteen minutes',
  options: {
    name: { type: 'string', required: true, value: '<name>', help: 'Your name as an operator' },
  },
  password: true,
  examples: ['valetkey login --name admin'],
  notes: [
    'The sign-in is kept in a file that only you can open, in $VALETKEY_CONFIG_HOME or $XDG_CONFIG_HOME/valetkey.',
    'Whoever runs as you can read it for as long as it lasts: do not run agents as the user who administers the broker.',
  ],
  async run(call) {
    const { name } = call.options
    const password = await call.password()
    const answer = record(await call.broker.send('POST', '/v1/sign-in', { name, password }))
    const token = text(answer, 'token')
    const seconds = Number(text(answer, 'expires_in'))
    if (token === undefined || !(seconds > 0)) throw strangeAnswer(200, call.url)
    const expiresAt = call.world.now() + seconds * 1000
    await saveSignIn(configHome(call.world.env), { url: call.url, name, token, expiresAt })
    call.say(`Signed in to ${call.url} as ${name}, until ${new Date(expiresAt).toISOString()}.`)
  },
})
