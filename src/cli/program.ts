/** Every command there is, and how a line finds its own. */
import { accessCommands } from './access-request.ts'
import { agentCommands } from './agent.ts'
import { agentProxy } from './agent-proxy.ts'
import { approvalVerify } from './approval-verify.ts'
import { approvalCommands } from './approval.ts'
import { auditCommands } from './audit.ts'
import { breakGlassCommands } from './break-glass.ts'
import type { Command } from './command.ts'
import { credentialCommands } from './credential.ts'
import { environmentCommands } from './environment.ts'
import { explain } from './explain.ts'
import { Failure, usage, type ExitCode } from './failure.ts'
import { freeze, freezes, unfreeze } from './freeze.ts'
import { grantReview } from './grant-review.ts'
import { grantCommands } from './grant.ts'
import { leaseCommands } from './lease.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { operations } from './operations.ts'
import { operatorCommands } from './operator.ts'
import { providerCommands } from './provider.ts'
import { revoke } from './revoke.ts'
import { passkeyCommands } from './passkey.ts'
import { openSession, type World } from './session.ts'
import { setup } from './setup.ts'
import { status } from './status.ts'
import { Interrupted } from './terminal.ts'
import { token } from './token.ts'
import { trustCommands } from './trust.ts'
import { unseal } from './unseal.ts'

export const commands: readonly Command[] = [
  setup,
  login,
  logout,
  unseal,
  status,
  ...operatorCommands,
  ...passkeyCommands,
  ...environmentCommands,
  ...agentCommands,
  agentProxy,
  ...credentialCommands,
  ...grantCommands,
  grantReview,
  ...leaseCommands,
  ...accessCommands,
  ...trustCommands,
  token,
  revoke,
  freeze,
  unfreeze,
  freezes,
  ...breakGlassCommands,
  ...approvalCommands,
  approvalVerify,
  ...auditCommands,
  explain,
  operations,
  ...providerCommands,
]

const byName: ReadonlyMap<string, Command> = new Map(commands.map((each) => [each.name, each]))

/** One of the group's own, the first that is not only a list. */
function exampleOf(group: readonly Command[] | undefined): string {
  const own = group?.flatMap((each) => each.examples)
  return (
    own?.find((line) => !/ list\b/.test(line)) ??
    own?.[0] ??
    'valetkey environment add acme/staging --bind github:repository:acme/app'
  )
}

function helpOf(group: string | undefined): string[] {
  const listed = commands.filter(
    ({ name }) => group === undefined || name === group || name.startsWith(`${group} `),
  )
  const width = Math.max(...listed.map(({ name }) => name.length))
  return [
    'valetkey: the command line of the broker between AI agents and the APIs they act on',
    '',
    ...listed.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    `Example:  ${exampleOf(group === undefined ? undefined : listed)}`,
    'More on each, with examples:  valetkey <command> --help',
  ]
}

type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'help'; readonly group: string | undefined }

function find(argv: readonly string[]): Found {
  const [first, second, third] = argv
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return { kind: 'help', group: undefined }
  if (first.startsWith('-'))
    throw usage('The command comes first, its flags after it.', 'See:  valetkey --help')
  for (const words of [3, 2, 1]) {
    const command = argv.length < words ? undefined : byName.get(argv.slice(0, words).join(' '))
    if (command !== undefined) return { kind: 'command', command, rest: argv.slice(words) }
  }
  const isGroup = (group: string): boolean =>
    commands.some(({ name }) => name.startsWith(`${group} `))
  if (!isGroup(first))
    throw usage('There is no such command.', 'See which there are:  valetkey --help')
  const [group, next] =
    second !== undefined && isGroup(`${first} ${second}`)
      ? [`${first} ${second}`, third]
      : [first, second]
  if (next === undefined || next === '--help' || next === '-h') return { kind: 'help', group }
  throw usage(`${group} has no such command.`, `See which it has:  valetkey ${group} --help`)
}

/** Carries out one line, and says with which code to exit. Whatever is printed goes through `visible`. */
export async function run(argv: readonly string[], world: World): Promise<ExitCode> {
  const { terminal } = world
  try {
    const found = find(argv)
    if (found.kind === 'help') {
      for (const line of helpOf(found.group)) terminal.out(line)
      return 0
    }
    const parsed = found.command.parse(found.rest)
    if (parsed.kind === 'help') {
      for (const line of found.command.help()) terminal.out(line)
      return 0
    }
    await parsed.run(openSession(world, parsed.common))
    return 0
  } catch (error) {
    if (error instanceof Interrupted) {
      terminal.err('Stopped.')
      return 2
    }
    if (!(error instanceof Failure)) throw error
    terminal.err(error.message)
    for (const note of error.notes) terminal.err(note)
    return error.exitCode
  }
}
