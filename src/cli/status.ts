/** Readiness, for people and for scripts: the exit code says it too. */
import { record, shown, text, texts } from './answer.ts'
import { command } from './command.ts'
import { Failure } from './failure.ts'
import { refusalOf, strangeAnswer } from './refusal.ts'

export const status = command({
  name: 'status',
  summary: 'Say whether the broker is ready to serve',
  json: true,
  examples: ['valetkey status'],
  notes: ['The exit code is 0 only where it is ready.'],
  async run(call) {
    const { status: code, body } = await call.broker.peek('/readyz')
    if (code !== 200 && code !== 503) throw refusalOf(code, body, call.url)
    const answer = record(body)
    const state = text(answer, 'status')
    if (state === undefined)
      throw code === 200 ? strangeAnswer(code, call.url) : refusalOf(code, body, call.url)
    if (call.json) call.sayJson(body, 2)
    else {
      call.say(`${call.url} is ${state}`)
      call.say(`  database: ${text(answer, 'database') === 'true' ? 'answers' : 'does not answer'}`)
      call.say(`  key-encryption key: ${shown(answer, 'kek_source')}`)
      for (const warning of texts(answer, 'warnings')) call.say(`  warning: ${warning}`)
    }
    if (state === 'sealed')
      throw new Failure(1, 'The broker is sealed.', { notes: ['Unseal it with:  valetkey unseal'] })
    if (state !== 'ready')
      throw new Failure(
        1,
        'The broker cannot decide at present; nothing it is asked for is allowed.',
      )
  },
})
