/**
 * What agents asked for, and the answers. A passkey cannot be touched in a terminal, so that a yes is given here with a
 * one-time code at the most, and in a browser otherwise.
 */
import { child, record, records, shown, text, texts, type Shape } from './answer.ts'
import { asApprover } from './approver.ts'
import { askedOptions, sayAsked } from './asked.ts'
import { command, type Command } from './command.ts'
import { Failure, usage } from './failure.ts'
import { idGiven } from './lookup.ts'
import { readSeconds } from './option-value.ts'
import type { Session } from './session.ts'
import { accessRequestStates } from '../core/access-request.ts'

const example = 'acc_01jxyz…'

function verbsOf(item: Shape): string {
  return records(item, 'verbs')
    .map((verb) => shown(verb, 'verb'))
    .join(' ')
}

function show(call: Session, item: Shape): void {
  if (call.json) return call.sayJson(item, 2)
  call.say(`${shown(item, 'id')}, ${shown(item, 'state')}`)
  for (const member of ['agent', 'environment', 'provider'])
    call.say(`  ${member}: ${shown(item, member)}`)
  call.say(`  asked under: ${shown(item, 'grant')}`)
  for (const verb of records(item, 'verbs')) {
    const only = text(verb, 'only_admins') === 'true' ? ', only an admin gives it' : ''
    const effects = texts(verb, 'effects').join(', ')
    call.say(
      `  verb: ${shown(verb, 'verb')} [${effects === '' ? 'not there any more' : effects}]${only}`,
    )
  }
  call.say(`  for: ${shown(item, 'duration_seconds')} seconds`)
  call.say(`  asked: ${shown(item, 'requested_at')}, times: ${shown(item, 'times')}`)
  call.say(`  denied before: ${text(item, 'denied_before') ?? '0'}`)
  const filedBy = text(item, 'filed_by')
  if (filedBy !== undefined) call.say(`  asked on its behalf by: ${filedBy}`)
  if (text(item, 'state') === 'pending')
    call.say(`  no answer is a no at: ${shown(item, 'expires_at')}`)
  const granted = child(item, 'granted')
  if (text(granted, 'grant') !== undefined) {
    call.say(
      `  granted: ${texts(granted, 'verbs').join(' ')} until ${shown(granted, 'expires_at')} (${shown(granted, 'grant')})`,
    )
  }
  if (text(item, 'state') === 'pending')
    call.say(`  answered in a browser at: ${shown(item, 'url')}`)
  // Last, in quotes and on one line: nothing that an agent writes can pass for a line of ours.
  const words = text(item, 'words')
  if (words !== undefined)
    call.say(`  its own words, which nobody checked: ${JSON.stringify(words)}`)
}

export const accessCommands: readonly Command[] = [
  command({
    name: 'access list',
    summary: 'List what agents asked for, those that wait for an answer',
    options: askedOptions(accessRequestStates),
    json: true,
    examples: ['valetkey access list', 'valetkey access list --state granted --agent deploy-bot'],
    run: (call) =>
      sayAsked(call, {
        path: '/v1/access-requests',
        states: accessRequestStates,
        none: 'Nothing was asked for.',
        columns: [
          ['ID', (item) => shown(item, 'id')],
          ['AGENT', (item) => shown(item, 'agent')],
          ['ENVIRONMENT', (item) => shown(item, 'environment')],
          ['STATE', (item) => shown(item, 'state')],
          ['FOR', (item) => `${shown(item, 'duration_seconds')}s`],
          ['VERBS', verbsOf],
        ],
        wide: ['VERBS', 100],
      }),
  }),
  command({
    name: 'access show',
    summary: 'Show what an agent asked for',
    takes: ['id'],
    json: true,
    examples: [`valetkey access show ${example}`],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      show(call, record(await (await call.signedIn()).get(`/v1/access-requests/${id}`)))
    },
  }),
  command({
    name: 'access grant',
    summary: 'Grant what was asked for, or less, for a time',
    takes: ['id'],
    options: {
      verb: {
        type: 'string',
        multiple: true,
        value: '<verb>',
        help: 'Only these; all that was asked for by default',
      },
      for: { type: 'string', value: '<time>', help: 'A shorter time than was asked for: 30m' },
    },
    json: true,
    examples: [
      `valetkey access grant ${example}`,
      `valetkey access grant ${example} --verb volumeCreate --for 30m`,
    ],
    notes: [
      'A passkey is touched in a browser: this command says where. In a terminal, access is granted with a one-time code,',
      'where an admin has switched those on and the environment is not protected. Password and code are typed.',
    ],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      const { verb, for: time } = call.options
      const seconds = time === undefined ? undefined : readSeconds('--for', time)
      const client = await call.signedIn()
      const url = shown(record(await client.get(`/v1/access-requests/${id}`)), 'url')
      const inBrowser = `With a touch of your passkey, in a browser:  ${url}`
      // Said before anything is typed, where a code is not accepted anyway.
      const settings = record(await client.get('/v1/approval-settings'))
      const codes = record(await client.get('/v1/one-time-code'))
      if (text(settings, 'one_time_codes') !== 'on' || text(codes, 'state') !== 'enrolled')
        throw new Failure(1, 'Access is not granted in a terminal without a one-time code.', {
          notes: [inBrowser],
        })
      const item = await asApprover(call, async (approver) => {
        const code = await call.world.terminal.hidden('One-time code')
        if (code === undefined || !/^[0-9]{6}$/.test(code.trim()))
          throw usage('A one-time code has six digits.', inBrowser)
        return approver.post(`/v1/access-requests/${id}/grant`, {
          ...(verb.length === 0 ? {} : { verbs: verb }),
          ...(seconds === undefined ? {} : { duration_seconds: seconds }),
          password: approver.password,
          code: code.trim(),
        })
      })
      show(call, item)
    },
  }),
  command({
    name: 'access deny',
    summary: 'Deny what was asked for; none of it can be asked again for ten minutes',
    takes: ['id'],
    json: true,
    examples: [`valetkey access deny ${example}`],
    notes: ['The password is typed: the stored sign-in answers nothing.'],
    async run(call) {
      const id = idGiven('accessRequest', call.args.id, example)
      show(
        call,
        await asApprover(call, (approver) => approver.post(`/v1/access-requests/${id}/deny`, {})),
      )
    },
  }),
]
