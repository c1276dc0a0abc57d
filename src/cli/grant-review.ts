/** Reviewing a grant: what came or changed in its provider’s catalogue since, and letting it cover that. */
import { record, records, shown, text, texts } from './answer.ts'
import { command } from './command.ts'
import { idGiven } from './lookup.ts'
import { exampleIds } from './state-commands.ts'
import { table } from './table.ts'

export const grantReview = command({
  name: 'grant review',
  summary:
    'Show what is new in the catalogue since a grant was reviewed; --accept lets it cover that',
  takes: ['id'],
  options: {
    accept: {
      type: 'string',
      value: '<version>',
      help: 'The version you have looked at, as this command shows it',
    },
  },
  json: true,
  password: true,
  examples: [
    `valetkey grant review ${exampleIds.grant}`,
    `valetkey grant review ${exampleIds.grant} --accept 9f2c…`,
  ],
  async run(call) {
    const id = idGiven('grant', call.args.id, exampleIds.grant)
    const path = `/v1/grants/${id}/review`
    const client = await call.signedIn()
    const { accept } = call.options
    if (accept !== undefined) {
      const password = await call.password()
      const answer = await client.send('POST', path, { version: accept, password })
      if (call.json) return call.sayJson(answer, 2)
      call.say(`${id} is reviewed against ${accept}.`)
      return
    }
    const answer = record(await client.get(path))
    if (call.json) return call.sayJson(answer, 2)
    call.say(`reviewed against: ${shown(answer, 'reviewed')}`)
    call.say(`present version:  ${shown(answer, 'present')}`)
    const rows = records(answer, 'operations').map((item) => [
      shown(item, 'name'),
      texts(item, 'effects').join(' '),
      shown(item, 'change'),
      text(item, 'covers') === 'true' ? 'would be covered' : '',
    ])
    if (rows.length === 0) return call.say('Nothing came or changed that could be used.')
    const columns = ['OPERATION', 'EFFECTS', 'CHANGE', ''].map((title) => ({ title, most: 80 }))
    for (const line of table(columns, rows)) call.say(line)
  },
})
