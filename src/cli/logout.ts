/** Signing out. The file is deleted whatever the broker says, because the file is what an agent could find. */
import { command } from './command.ts'
import { Failure } from './failure.ts'
import { configHome, deleteSignIn } from './sign-in-file.ts'

export const logout = command({
  name: 'logout',
  summary: 'Delete the stored sign-in',
  examples: ['valetkey logout'],
  async run(call) {
    // Said to the broker for its log; the file goes whatever it answers.
    const told = await call
      .signedIn()
      .then((client) => client.send('POST', '/v1/sign-out', {}))
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof Failure) return false
          throw error
        },
      )
    const there = await deleteSignIn(configHome(call.world.env))
    if (!there) call.say('Nobody was signed in.')
    else if (told) call.say('Signed out; the stored sign-in is deleted.')
    else
      call.say(
        'The stored sign-in is deleted. The broker was not told: it had ended, or does not answer.',
      )
  },
})
