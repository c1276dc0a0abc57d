/** Revoking one capability. Only its id leaves this process. */
import { isId } from '../ids.ts'
import { command } from './command.ts'
import { usage } from './failure.ts'
import { jtiOf } from './jwt-id.ts'

export const revoke = command({
  name: 'revoke',
  summary: 'Revoke one capability, on every replica',
  takes: ['capability'],
  // A capability on the command line is revoked before anyone who reads the list of processes can have used it for long.
  secretArguments: 'allowed',
  examples: [
    'valetkey revoke cap_01jxyz…',
    'valetkey revoke "$TOKEN"',
    'valetkey revoke - < token',
  ],
  notes: ['Given the capability itself, or - to read it from stdin, only its id is sent.'],
  async run(call) {
    const given =
      call.args.capability === '-' ? (await call.secret('Capability')).trim() : call.args.capability
    const id = isId('capability', given) ? given : jtiOf(given)
    if (id === undefined) throw usage('This is neither a capability nor the id of one, cap_….')
    await (await call.signedIn()).send('POST', `/v1/capabilities/${id}/revoke`, {})
    call.say(`${id} is revoked.`)
  },
})
