/** The CLI, run in this process as the admin, with all that it prints kept. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cli } from '../../test/cli/world.ts'
import type { World } from './world.ts'

/** What a terminal obeys or does not show. */
export const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u

export type Commands = {
  run(
    argv: readonly string[],
  ): Promise<{ readonly code: number; readonly lines: readonly string[] }>
}

const opened = new WeakMap<World, Promise<Commands>>()

/** Signed in once for each world. */
export function openCommands(world: World): Promise<Commands> {
  let commands = opened.get(world)
  if (commands === undefined) opened.set(world, (commands = open(world)))
  return commands
}

async function open(world: World): Promise<Commands> {
  const home = await mkdtemp(path.join(tmpdir(), 'valetkey-conformance-'))
  const { admin, first } = world.brokers
  const passwordFile = path.join(home, 'password')
  await writeFile(passwordFile, admin.password, { mode: 0o600 })
  const env = {
    VALETKEY_URL: first.url,
    VALETKEY_CONFIG_HOME: path.join(home, 'config'),
    VALETKEY_PASSWORD_FILE: passwordFile,
  }
  const run: Commands['run'] = async (argv) => {
    const { code, out, err } = await cli(argv, { env, fetch })
    return { code, lines: [...out, ...err] }
  }
  world.onClose(() => rm(home, { recursive: true, force: true }))
  const signedIn = await run(['login', '--name', admin.name])
  if (signedIn.code !== 0) throw new Error(`valetkey login: ${signedIn.lines.join(' ')}`)
  return { run }
}
