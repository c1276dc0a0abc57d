/** Unsealing a broker whose key-encryption key comes from a passphrase. */
import { command } from './command.ts'

export const unseal = command({
  name: 'unseal',
  summary: 'Give the passphrase of the key-encryption key to a broker that started sealed',
  examples: ['valetkey unseal', 'pass show valetkey | valetkey unseal'],
  async run(call) {
    const passphrase = await call.secret('Passphrase')
    await call.broker.send('POST', '/v1/unseal', { passphrase })
    call.say('The broker is unsealed.')
  },
})
