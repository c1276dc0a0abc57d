/** What says whose capability is taken, with what key, and how much of what its grants allow. */
import { readSeconds } from './option-value.ts'

export const capabilityOptions = {
  agent: { type: 'string', required: true, value: '<id>', help: 'The agent’s id, ag_…' },
  'key-file': {
    type: 'string',
    value: '<file>',
    help: 'Where its key is; piped in or asked for without it',
  },
  'private-key-file': {
    type: 'string',
    value: '<file>',
    help: 'Where the private half of its registered key is, as a JWK or as PEM',
  },
  provider: { type: 'string', value: '<provider>', help: 'Which provider it is for' },
  environment: { type: 'string', value: '<name>', help: 'Which environment it is for' },
  grant: {
    type: 'string',
    value: '<id>',
    help: 'Which grant it comes from, where several would do',
  },
  verb: {
    type: 'string',
    multiple: true,
    value: '<verb>',
    help: 'Only these; all of the grant by default',
  },
  lifetime: { type: 'string', value: '<time>', help: 'Shorter than the grant allows: 60s' },
} as const

/** The authorization details (RFC 9396) that these options ask for. */
export function wishOf(options: {
  readonly provider: string | undefined
  readonly environment: string | undefined
  readonly grant: string | undefined
  readonly verb: readonly string[]
  readonly lifetime: string | undefined
}) {
  const { provider, environment, grant, verb, lifetime } = options
  return {
    type: 'valetkey',
    ...(provider === undefined ? {} : { provider }),
    ...(environment === undefined ? {} : { environment }),
    ...(grant === undefined ? {} : { grant }),
    ...(verb.length === 0 ? {} : { verbs: verb }),
    ...(lifetime === undefined ? {} : { lifetime: readSeconds('--lifetime', lifetime) }),
  }
}
