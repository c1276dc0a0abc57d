/** A CLI run in this process: what it prints is kept, and its terminal and broker are whatever the test says. */
import { run } from '../../src/cli/program.ts'
import { visible } from '../../src/cli/terminal-text.ts'
import type { ExitCode } from '../../src/cli/failure.ts'

export type CliWorld = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly piped?: string
  /** What is typed, in order, at hidden prompts. */
  readonly typed?: readonly string[]
  readonly fetch?: typeof fetch
  readonly now?: () => number
  readonly sleep?: (milliseconds: number) => Promise<void>
  /** Ends what runs on; it may look at what has been printed by then. */
  readonly stopped?: (out: readonly string[]) => Promise<void>
}

export type CliResult = {
  readonly code: ExitCode
  readonly out: readonly string[]
  readonly err: readonly string[]
  /** The labels of the prompts that were shown. */
  readonly asked: readonly string[]
}

export async function cli(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  const out: string[] = []
  const err: string[] = []
  const asked: string[] = []
  const typed = [...(world.typed ?? [])]
  const code = await run(argv, {
    terminal: {
      out: (line) => void out.push(visible(line)),
      err: (line) => void err.push(visible(line)),
      piped: () => Promise.resolve(world.piped),
      hidden: (label) => {
        asked.push(label)
        return Promise.resolve(typed.shift())
      },
    },
    env: world.env ?? {},
    fetch:
      world.fetch ??
      (() => {
        throw new Error('this test has no broker')
      }),
    now: world.now ?? Date.now,
    sleep: world.sleep ?? (() => Promise.resolve()),
    stopped: () => world.stopped?.(out) ?? Promise.resolve(),
  })
  return { code, out, err, asked }
}
