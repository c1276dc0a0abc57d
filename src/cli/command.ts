/**
 * What a command is, and how its line is read: strictly. A flag that is not known is refused by its name, one given
 * twice is refused instead of the last one winning, and nothing that was typed is repeated back, as it may be a secret
 * in the wrong place.
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { usage, type Failure } from './failure.ts'
import { refuseSecretArguments } from './secret-argument.ts'
import type { Common, Session } from './session.ts'

export type Option = {
  readonly type: 'string' | 'boolean'
  readonly multiple?: true
  readonly required?: true
  /** What stands for the value in the help: `<name>`. */
  readonly value?: string
  readonly help: string
}

type Values<O extends Readonly<Record<string, Option>>> = {
  readonly [K in keyof O]: O[K] extends { readonly type: 'boolean' }
    ? boolean
    : O[K] extends { readonly multiple: true }
      ? readonly string[]
      : O[K] extends { readonly required: true }
        ? string
        : string | undefined
}

export type Call<
  O extends Readonly<Record<string, Option>>,
  T extends string,
  M extends string,
> = Session & {
  readonly options: Values<O>
  readonly args: { readonly [K in T]: string } & { readonly [K in M]?: string }
}

export type Spec<O extends Readonly<Record<string, Option>>, T extends string, M extends string> = {
  /** The words that call it: `environment add`. */
  readonly name: string
  readonly summary: string
  /** Arguments without a flag: those it takes, and those that may be left out. */
  readonly takes?: readonly T[]
  readonly mayTake?: readonly M[]
  readonly options?: O
  /** `json`: prints the answer as it is with --json. `password`: asks for the operator's password. */
  readonly json?: true
  readonly password?: true
  /** Whole lines, as they are typed. */
  readonly examples: readonly string[]
  readonly notes?: readonly string[]
  /** Where an argument may look like a secret because it is one that dies with this command. */
  readonly secretArguments?: 'allowed'
  readonly run: (call: Call<O, T, M>) => Promise<void>
}

export type Command = {
  readonly name: string
  readonly summary: string
  readonly examples: readonly string[]
  readonly help: () => readonly string[]
  readonly parse: (argv: readonly string[]) => Parsed
}

export type Parsed =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run'
      readonly common: Common
      readonly run: (session: Session) => Promise<void>
    }

const commonOptions = {
  url: {
    type: 'string',
    value: '<url>',
    help: 'The broker; VALETKEY_URL, or http://localhost:8474',
  },
  help: { type: 'boolean', help: 'Show this' },
} as const satisfies Record<string, Option>

const jsonOption: Option = { type: 'boolean', help: 'Print the answer as JSON' }
const passwordOption: Option = {
  type: 'string',
  value: '<file>',
  help: 'Where your password is; VALETKEY_PASSWORD_FILE, or it is asked for',
}

export function command<
  const O extends Readonly<Record<string, Option>>,
  const T extends string = never,
  const M extends string = never,
>(spec: Spec<O, T, M>): Command {
  const takes: readonly T[] = spec.takes ?? []
  const mayTake: readonly M[] = spec.mayTake ?? []
  const own: Readonly<Record<string, Option>> = {
    ...spec.options,
    ...(spec.json === true ? { json: jsonOption } : {}),
    ...(spec.password === true ? { 'password-file': passwordOption } : {}),
  }
  const options: Readonly<Record<string, Option>> = { ...own, ...commonOptions }
  const line = [
    `valetkey ${spec.name}`,
    ...takes.map((name) => `<${name}>`),
    ...mayTake.map((name) => `[<${name}>]`),
  ].join(' ')

  return {
    name: spec.name,
    summary: spec.summary,
    examples: spec.examples,
    help: () => [
      spec.summary,
      '',
      `  ${line}${Object.keys(own).length > 0 ? ' [options]' : ''}`,
      '',
      ...optionLines(options),
      ...(spec.notes === undefined ? [] : ['', ...spec.notes]),
      '',
      spec.examples.length === 1 ? 'Example:' : 'Examples:',
      ...spec.examples.map((example) => `  ${example}`),
    ],
    parse(argv) {
      if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help' }
      if (spec.secretArguments !== 'allowed') refuseSecretArguments(spec.name, argv)
      const { values, positionals } = read(spec.name, argv, options)
      if (positionals.length > takes.length + mayTake.length) {
        throw seeHelp(
          spec.name,
          `It takes ${takes.length + mayTake.length === 0 ? 'no arguments' : `only ${line.slice(line.indexOf('<'))}`} besides flags; there are too many.`,
        )
      }
      const missing = takes[positionals.length]
      if (missing !== undefined) throw seeHelp(spec.name, `<${missing}> is missing.`)
      for (const [name, option] of Object.entries(own)) {
        if (option.required === true && values[name] === undefined)
          throw seeHelp(spec.name, `--${name} is missing.`)
      }
      const args = Object.fromEntries(
        [...takes, ...mayTake].map((name, i) => [name, positionals[i]]),
      )
      const given = Object.fromEntries(
        Object.entries(own).map(([name, option]) => [
          name,
          values[name] ??
            (option.type === 'boolean' ? false : option.multiple === true ? [] : undefined),
        ]),
      )
      const url = values['url']
      const passwordFile = values['password-file']
      return {
        kind: 'run',
        common: {
          url: typeof url === 'string' ? url : undefined,
          json: values['json'] === true,
          passwordFile: typeof passwordFile === 'string' ? passwordFile : undefined,
        },
        run: (session) => spec.run({ ...session, options: given, args } as Call<O, T, M>),
      }
    },
  }
}

function seeHelp(name: string, sentence: string): Failure {
  return usage(sentence, `See:  valetkey ${name} --help`)
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  const flags = Object.entries(options).map(([name, option]) => ({
    flag: `--${name}${option.type === 'string' ? ` ${option.value ?? '<text>'}` : ''}`,
    help: `${option.help}${option.required === true ? ' (needed)' : ''}${option.multiple === true ? ' (may be repeated)' : ''}`,
  }))
  const width = Math.max(...flags.map(({ flag }) => flag.length))
  return flags.map(({ flag, help }) => `  ${flag.padEnd(width)}  ${help}`)
}

type Read = {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
}

function read(
  name: string,
  argv: readonly string[],
  options: Readonly<Record<string, Option>>,
): Read {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([flag, { type, multiple }]) => [
      flag,
      multiple === true ? { type, multiple } : { type },
    ]),
  )
  // Looked at loosely first: the messages of the strict reading repeat what was typed.
  const { tokens } = parseArgs({
    args: [...argv],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) throw seeHelp(name, `${token.rawName} is not a flag of this command.`)
    if (option.type === 'string' && (token.value === undefined || token.value === '')) {
      throw seeHelp(name, `${token.rawName} needs a value: ${option.value ?? '<text>'}`)
    }
    if (option.type === 'boolean' && token.value !== undefined)
      throw seeHelp(name, `${token.rawName} takes no value.`)
    if (seen.has(token.name) && option.multiple !== true)
      throw seeHelp(name, `${token.rawName} was given twice.`)
    seen.add(token.name)
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: config,
      strict: true,
      allowPositionals: true,
    })
    return { values, positionals }
  } catch {
    // What is left: a value that begins with a dash, which may as well be a flag whose value was forgotten.
    throw seeHelp(
      name,
      'A value begins with a dash: write --flag=value for it, so that it cannot be taken for a flag.',
    )
  }
}
