import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../../src/cli/program.ts'
import { cli } from './world.ts'

test('every command has help with an example that calls it', async () => {
  for (const { name } of commands) {
    const { code, out } = await cli([...name.split(' '), '--help'])
    assert.equal(code, 0, name)
    const examples = out.slice(out.findIndex((line) => /^Examples?:$/.test(line)) + 1)
    assert.ok(
      examples.some((line) => line.includes(`valetkey ${name}`)),
      name,
    )
  }
})

test('help of the whole and of a group lists its commands', async () => {
  const whole = (await cli(['--help'])).out.join('\n')
  for (const { name } of commands) assert.ok(whole.includes(name))
  const group = (await cli(['grant', '--help'])).out.join('\n')
  assert.match(group, /grant update/)
  assert.doesNotMatch(group, /agent add/)
  assert.match(group, /^Example: {2}valetkey grant add /m, 'with one of its own')
})

test('every command refuses a flag it does not know, by its name and without its value', async () => {
  for (const { name } of commands) {
    const { code, err } = await cli([...name.split(' '), '--no-such-flag=hunter2'])
    assert.equal(code, 2, name)
    assert.match(err[0] ?? '', /^--no-such-flag is not a flag/, name)
    assert.doesNotMatch(err.join('\n'), /hunter2/, name)
  }
})

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a command that does not exist', ['grnat'], /no such command/],
  ['a command of a group that does not exist', ['grant', 'ad'], /grant has no such command/],
  ['flags before the command', ['--url', 'http://localhost:1', 'status'], /command comes first/],
  [
    'a flag given twice',
    ['grant', 'list', '--agent', 'a', '--agent', 'b'],
    /--agent was given twice/,
  ],
  ['a flag without its value', ['grant', 'list', '--agent'], /--agent needs a value/],
  ['an empty value', ['login', '--name='], /--name needs a value/],
  ['a value for a flag that has none', ['freezes', '--all=yes'], /--all takes no value/],
  ['a value that looks like a flag', ['login', '--name', '--url'], /dash|needs a value/],
  ['a needed flag left out', ['setup'], /--name is missing/],
  ['an argument left out', ['agent', 'add'], /<name> is missing/],
  ['an argument too many', ['agent', 'add', 'a', 'b'], /too many/],
  [
    'a word that is none of the choices',
    ['audit', '--kind', 'decisions'],
    /--kind must be one of decision/,
  ],
  ['a role that does not exist', ['operator', 'add', 'sam', '--role', 'root'], /--role/],
  [
    'a binding of two parts',
    ['environment', 'add', 'x', '--bind', 'github:acme'],
    /--bind must look like/,
  ],
  [
    'an id of another kind',
    ['grant', 'show', 'ag_00000000000000000000000000'],
    /not the id of a grant/,
  ],
  ['a path in place of an id', ['grant', 'show', '../operators'], /not the id of a grant/],
  [
    'a frozen everything with a subject',
    ['freeze', 'everything', 'x', '--reason', 'r'],
    /without naming more/,
  ],
  ['a freeze of an agent without one', ['freeze', 'agent', '--reason', 'r'], /which agent/],
  [
    'a grant changed in nothing',
    ['grant', 'update', 'gr_00000000000000000000000000'],
    /what to change/,
  ],
  [
    'a capability in a header of explain',
    [
      'explain',
      '--grant',
      'gr_00000000000000000000000000',
      'GET',
      '/x',
      '--header',
      'Authorization: Bearer x',
    ],
    /no capability/,
  ],
]

for (const [what, argv, expected] of wrong) {
  test(`${what} is refused with exit code 2, and nothing is sent`, async () => {
    const { code, err, out } = await cli(argv)
    assert.equal(code, 2)
    assert.match(err[0] ?? '', expected)
    assert.deepEqual(out, [])
  })
}
