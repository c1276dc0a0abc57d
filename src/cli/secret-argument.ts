/**
 * A secret that is typed as an argument stands in the shell's history and, while the command runs, in the list of
 * processes that everyone on the machine can read, an agent too. It is refused before anything is done with it, and
 * never repeated in the refusal.
 */
import { usage, type Failure } from './failure.ts'

/** Flags that people expect a secret to have. `--password-file` and `--key-file` name files, and are none of them. */
const secretFlag =
  /^--?(secret|token|key|password|passphrase|pass|pw|api[-_]?key|agent[-_]?key|client[-_]?secret|setup[-_]?secret|access[-_]?token|bearer)(=|$)/i

/** The beginnings that providers, and we, give to secrets; and the shape of a JWT. */
const secretValue =
  /^(vk[ahs]_|sbp_|do[opr]_v1_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|sk[-_](live|test|ant|proj)|rk_(live|test)_|whsec_|AKIA[0-9A-Z]{12}|npm_[A-Za-z0-9]{30}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.|-----BEGIN )/

/** What stands alone where no name does: the tokens of Railway are bare UUIDs, others bare hex or base64. */
const bareSecret =
  /^([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32,}|(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9+=_-]{28,})$/

/** The commands that need a secret, and how many arguments without a flag they take: a name, or none. */
const wordsOf: Readonly<Record<string, number>> = {
  credential: 1,
  token: 0,
  setup: 0,
  login: 0,
  unseal: 0,
}

/** How each command is given its secret instead. */
const instead: Readonly<Record<string, string>> = {
  credential:
    'Pipe it in (pass show railway | valetkey credential add …), or run the command without it and be asked.',
  token:
    'Pipe the key in, name a file with --key-file, or run the command without it and be asked.',
  setup: 'Run the command without it and be asked; for scripts, pipe the setup secret in.',
  unseal: 'Run the command without it and be asked; for scripts, pipe the passphrase in.',
}
const anywhere =
  'Run the command without it and be asked; for scripts, put a password into a file and name it with --password-file.'

export function refuseSecretArguments(name: string, argv: readonly string[]): void {
  const [group = ''] = name.split(' ')
  for (const argument of argv) {
    const flag = secretFlag.exec(argument)
    if (flag !== null) throw refused(group, `--${(flag[1] ?? '').toLowerCase()} is not taken`)
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1
    if (secretValue.test(argument.slice(equals + 1)))
      throw refused(group, 'An argument looks like a secret, and is not taken')
  }
  const names = wordsOf[group]
  if (names === undefined) return
  // One word too many, or one of no name's shape, can only be the secret.
  const words = argv.filter((argument, i) => !argument.startsWith('-') && !isFlagValue(argv[i - 1]))
  if (words.length > names || words.some((word) => bareSecret.test(word)))
    throw refused(group, 'An argument looks like a secret, and is not taken')
}

function isFlagValue(before: string | undefined): boolean {
  if (before === undefined || before === '--' || before === '--json') return false
  return before.startsWith('--') && !before.includes('=')
}

function refused(group: string, sentence: string): Failure {
  return usage(
    `${sentence}: it would be in the shell’s history and in the list of processes, where an agent can read it.`,
    instead[group] ?? anywhere,
    'If it was a real one, replace it at its provider: it has been on a command line.',
  )
}
