/** The first password: typed twice, never an argument. */
import { record, shown, texts } from './answer.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import type { Session } from './session.ts'

export const setup = command({
  name: 'setup',
  summary: 'Set your first password, or a new one, with a one-time setup secret',
  options: {
    name: { type: 'string', required: true, value: '<name>', help: 'Your name as an operator' },
  },
  password: true,
  examples: [
    'valetkey setup --name admin',
    'VALETKEY_PASSWORD_FILE=pw valetkey setup --name admin < secret',
  ],
  notes: [
    'The setup secret is asked for, or read from stdin where that is piped. A password has at least 12 characters.',
  ],
  async run(call) {
    const setupSecret = await call.secret('Setup secret')
    const password = await newPassword(call)
    const answer = record(
      await call.broker.send('POST', '/v1/setup', {
        name: call.options.name,
        setup_secret: setupSecret.trim(),
        password,
      }),
    )
    call.say(
      `The password of ${shown(answer, 'name')} is set (${texts(answer, 'roles').join(', ')}).`,
    )
    call.say(`Next:  valetkey login --name ${call.options.name}`)
  },
})

/** Typed twice, as nobody sees what they type. */
async function newPassword(call: Session): Promise<string> {
  const fromFile = await call.passwordFromFile()
  if (fromFile !== undefined) return fromFile
  const { terminal } = call.world
  const first = await terminal.hidden('New password')
  if (first === undefined) {
    throw usage(
      'There is no terminal to ask for a password at.',
      'Name a file that holds it, closed to others (0600), with --password-file or VALETKEY_PASSWORD_FILE.',
    )
  }
  if (first === '') throw usage('No password was given.')
  if ((await terminal.hidden('New password again')) !== first)
    throw usage('The two passwords are not the same.')
  return first
}
