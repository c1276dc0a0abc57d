/**
 * An agent's text on the page on which a person decides: as an argument of a parked request, and as the agent's own
 * words. The page is compared with that of a harmless text: whatever the text is, it adds no element but the broker's
 * own marks.
 */
import { openPerson } from './approvals.ts'
import { object, text as textOf } from './cases.ts'
import { unsafe } from './commands.ts'
import { jsonOf, send } from './wire.ts'
import type { Wanted, World } from './world.ts'

const wanted: Wanted = {
  provider: 'railway',
  verbs: ['variableUpsert'],
  place: 'staging',
  approval: 'always',
}

/** What is wrong with the page that this text leads to. `observed`: what became of the request that carries it. */
export async function pageProblems(
  world: World,
  text: string,
  checks: readonly string[],
): Promise<{ readonly observed: string; readonly problems: readonly string[] }> {
  const shown = await pageFor(world, text)
  if (shown === undefined) return { observed: 'refused', problems: [] }
  // As long as the text: the broker says in words of its own where it shows only a part of one.
  const harmless = await pageFor(world, 'a'.repeat(text.length))
  const { html, words } = shown
  const problems: string[] = []
  if (skeletonOf(html) !== skeletonOf(harmless?.html ?? ''))
    problems.push('the text adds an element to the page')
  if (unsafe.test(html.replaceAll('\n', ''))) problems.push('the page has what is not seen')
  const aside = html.indexOf('<aside class="words"')
  const own = html.slice(aside)
  if (words !== undefined && (aside === -1 || !own.includes('<blockquote>')))
    problems.push('the agent’s words do not stand apart')
  for (const heading of ['<h1>', '>Operations and objects<', '>Exact arguments<'])
    if (aside !== -1 && (html.indexOf(heading) === -1 || html.indexOf(heading) > aside))
      problems.push('the agent’s words stand before the facts')
  const hidden = /[^\x20-\x7e]/.test(text)
  if (hidden && !html.includes('<span class="mark">'))
    problems.push('what is not plain ASCII is not named')
  const plain = /[\x21-\x7e]+/.exec(text)?.[0].slice(0, 200) ?? ''
  if (checks.includes('literal') && !unescaped(html).includes(plain))
    problems.push('the page does not have the text as it is')
  if (words !== undefined && Array.from(words).length > 500)
    problems.push('the agent’s words are kept without bound')
  return { observed: 'shown', problems }
}

type Shown = { readonly html: string; readonly words: string | undefined }

/** Undefined where the request was refused before a person could be asked: the text is in no field of any page then. */
async function pageFor(world: World, text: string): Promise<Shown | undefined> {
  const person = await openPerson(world)
  const held = await world.capability(wanted)
  if ('refused' in held) throw new Error(`no such grant: ${held.refused}`)
  const { values } = world
  const body = JSON.stringify({
    query: 'mutation U($input: VariableUpsertInput!) { variableUpsert(input: $input) }',
    variables: {
      input: {
        projectId: values['PROJECT_ID'],
        environmentId: values['ENV_STAGING'],
        serviceId: values['SERVICE_ID'],
        name: 'NAME',
        value: text,
      },
    },
  })
  // A field of a header is one line of bytes: where the text is more, its words are what of it a client could send.
  const reason = text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
  const head = [
    `POST ${values['GQL_PATH'] ?? ''} HTTP/1.1`,
    `Host: ${values['PROXY_HOST'] ?? ''}`,
    `Authorization: Bearer ${held.token}`,
    'Content-Type: application/json',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    `Valetkey-Reason: ${reason}`,
  ].join('\r\n')
  const sent = Buffer.from(`${head}\r\n\r\n${body}`, 'utf8')
  const { answers } = await send(world.brokers.first.port, [sent], { answers: 1, idle: 5_000 })
  const answer = jsonOf(answers[0])
  const id = textOf(object(answer['approval'])['id'])
  if (id === undefined) {
    if (answers[0] !== undefined && answers[0].status >= 500)
      throw new Error(`parking it answered ${String(answers[0].status)}`)
    return undefined
  }
  try {
    const words = textOf((await person.read(id))['words'])
    return { html: await person.page(id), words }
  } finally {
    // Another of the same agent's must find room in the queue.
    await person.cancel(id)
  }
}

/** The elements of the page with the names of their attributes, without the marks that the broker puts into text. */
function skeletonOf(html: string): string {
  const tags = html.replaceAll(/<span class="mark">[^<]*<\/span>/g, '').match(/<[^>]*>/g) ?? []
  return tags.map((tag) => tag.replaceAll(/"[^"]*"/g, '""')).join('\n')
}

function unescaped(html: string): string {
  return html.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}
