/**
 * How a command ends that did not do what it was asked: an exit code and what to print. Thrown by commands, caught in
 * `run` alone; the one place where the CLI throws, as `Problem` is at the HTTP edge.
 */

/** 1: the broker refused, or could not be asked. 2: the command could not be carried out as it was typed. */
export type ExitCode = 0 | 1 | 2

export class Failure extends Error {
  readonly exitCode: Exclude<ExitCode, 0>
  /** The problem's code, where the broker named one. */
  readonly code: string | undefined
  /** Further lines, below the sentence. */
  readonly notes: readonly string[]

  constructor(
    exitCode: Exclude<ExitCode, 0>,
    sentence: string,
    options: { readonly code?: string | undefined; readonly notes?: readonly string[] } = {},
  ) {
    super(sentence)
    this.name = 'Failure'
    this.exitCode = exitCode
    this.code = options.code
    this.notes = options.notes ?? []
  }
}

/** What was typed, or a file on this machine, is not as it must be. */
export function usage(sentence: string, ...notes: readonly string[]): Failure {
  return new Failure(2, sentence, { notes })
}
