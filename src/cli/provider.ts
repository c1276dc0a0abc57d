/** Providers: compiling a description without a broker, and an operator's own providers. */
import { writeFile } from 'node:fs/promises'
import { Value } from 'typebox/value'
import { reportLines, type Report } from '../provider/compile/report.ts'
import { compileApart } from '../provider/imported/compile-apart.ts'
import type { DescriptionKind } from '../provider/imported/description.ts'
import { complaintAbout } from '../provider/imported/complaint.ts'
import { ImportedManifest } from '../provider/imported/manifest.ts'
import { ImportedReview } from '../provider/imported/review.ts'
import { record, records, shown, text, texts, type Shape } from './answer.ts'
import { command, type Command } from './command.ts'
import { Failure, usage } from './failure.ts'
import { readObject, readText } from './provider-file.ts'
import type { Session } from './session.ts'
import { table } from './table.ts'

/** In milliseconds: whoever waits here waits alone. */
const longestBuild = 120_000

const files = {
  description: {
    type: 'string',
    required: true,
    value: '<file>',
    help: 'OpenAPI 3.x, Swagger 2, a GraphQL schema, or a list',
  },
  review: { type: 'string', value: '<file>', help: 'What you reviewed, in JSON or YAML' },
  graphql: { type: 'boolean', help: 'The description is a GraphQL schema: SDL or introspection' },
  list: { type: 'boolean', help: 'The description is a list: [[method, path, operation], …]' },
  verbose: { type: 'boolean', help: 'Say of every operation how it was classified, and why' },
} as const

function nameGiven(name: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(name))
    throw usage('A provider’s name has 1 to 40 small letters, digits and dashes: acme.')
  return name
}

async function readManifest(path: string): Promise<ImportedManifest> {
  const given = await readObject('--manifest', path)
  if (Value.Check(ImportedManifest, given)) return given
  const [error] = Value.Errors(ImportedManifest, given)
  throw usage(
    `The manifest is wrong at ${where(error?.instancePath)}: ${error?.message ?? 'shape'}.`,
  )
}

async function readReview(path: string | undefined): Promise<ImportedReview> {
  if (path === undefined) return {}
  const given = await readObject('--review', path)
  if (Value.Check(ImportedReview, given)) return given
  const [error] = Value.Errors(ImportedReview, given)
  throw usage(`The review is wrong at ${where(error?.instancePath)}: ${error?.message ?? 'shape'}.`)
}

function kindGiven(options: {
  readonly graphql: boolean
  readonly list: boolean
}): DescriptionKind {
  if (options.graphql && options.list) throw usage('--graphql and --list contradict each other.')
  return options.graphql ? 'graphql' : options.list ? 'list' : 'openapi'
}

function where(pointer: string | undefined): string {
  return pointer === undefined || pointer === '' ? 'its outermost member' : pointer
}

/** The same checks as the broker’s, so that an error is told before a password is asked for. */
function check(manifest: ImportedManifest, review: ImportedReview, kind: DescriptionKind): void {
  const complaint = complaintAbout(manifest, review, kind)
  if (complaint !== undefined) throw usage(`${complaint.pointer.slice(1)}: ${complaint.detail}.`)
}

function say(call: Session, report: Report, verbose: boolean): void {
  for (const line of reportLines(report, verbose)) call.say(line)
}

/** A report that came over HTTP; a broker of another version may say less. */
function reportIn(answer: Shape): Report {
  const count = (shape: Shape, member: string): number => Number(text(shape, member) ?? 0)
  const effects = record(answer['effects'])
  const scopes = record(answer['scopes'])
  const edges = answer['edges'] === undefined ? undefined : record(answer['edges'])
  return {
    ...(edges === undefined
      ? {}
      : { edges: { unclassified: texts(edges, 'unclassified'), secret: texts(edges, 'secret') } }),
    source: shown(answer, 'source'),
    operations: count(answer, 'operations'),
    unreviewed: count(answer, 'unreviewed'),
    denied: count(answer, 'denied'),
    effects: {
      read: count(effects, 'read'),
      write: count(effects, 'write'),
      destructive: count(effects, 'destructive'),
      secret: count(effects, 'secret'),
      admin: count(effects, 'admin'),
    },
    scopes: {
      environment: count(scopes, 'environment'),
      public: count(scopes, 'public'),
      account: count(scopes, 'account'),
    },
    listed: records(answer, 'listed').map((one) => {
      const denied = text(one, 'denied')
      return {
        name: shown(one, 'name'),
        method: shown(one, 'method'),
        path: shown(one, 'path'),
        effects: texts(one, 'effects') as Report['listed'][number]['effects'],
        scope: shown(one, 'scope'),
        why: texts(one, 'why'),
        ids: texts(one, 'ids'),
        ...(denied === undefined ? {} : { denied }),
        unreviewed: text(one, 'unreviewed') === 'true',
      }
    }),
  }
}

const build = command({
  name: 'provider build',
  summary:
    'Compile a description into a catalogue, and say what was classified how; needs no broker',
  options: {
    ...files,
    manifest: { type: 'string', value: '<file>', help: 'The manifest it will be imported with' },
    out: { type: 'string', value: '<file>', help: 'Where the catalogue is written' },
  },
  json: true,
  examples: [
    'valetkey provider build --description openapi.yaml --review review.yaml --verbose',
    'valetkey provider build --graphql --description schema.graphql --out catalogue.json',
  ],
  notes: [
    'What could not be told ships denied, and is listed for review. docs/providers.md says what a review can say.',
  ],
  async run(call) {
    const { options } = call
    const kind = kindGiven(options)
    const review = await readReview(options.review)
    const manifest =
      options.manifest === undefined ? undefined : await readManifest(options.manifest)
    if (manifest !== undefined) check(manifest, review, kind)
    const compiled = await compileApart(
      { description: await readText('--description', options.description), kind, manifest, review },
      longestBuild,
    )
    if (!compiled.ok) throw new Failure(1, `The description was not compiled: ${compiled.detail}.`)
    if (options.out !== undefined) await write(options.out, compiled.catalogue)
    if (call.json) return call.sayJson(compiled.report, 2)
    say(call, compiled.report, options.verbose)
    if (options.out !== undefined) call.say(`The catalogue is in ${options.out}.`)
  },
})

async function write(path: string, catalogue: string): Promise<void> {
  try {
    await writeFile(path, catalogue)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`The file of --out cannot be written: ${code}.`)
  }
}

const importIt = command({
  name: 'provider import',
  summary: 'Import a provider of your own from its description, or a new version of it',
  takes: ['name'],
  options: {
    ...files,
    manifest: {
      type: 'string',
      required: true,
      value: '<file>',
      help: 'Where it answers, how its credential goes out, how environments are told apart',
    },
    source: { type: 'string', value: '<text>', help: 'Where the description is from' },
    replace: { type: 'boolean', help: 'A new version of a provider that is there already' },
  },
  json: true,
  password: true,
  examples: [
    'valetkey provider import acme --description openapi.yaml --manifest acme.yaml --review review.yaml',
    'valetkey provider import acme --graphql --description schema.graphql --manifest acme.yaml --review review.yaml',
    'valetkey provider import acme --replace --description openapi.yaml --manifest acme.yaml --review review.yaml',
  ],
  notes: [
    'Grants that were reviewed against an older version cover what is new only where a verb names it: valetkey grant review.',
  ],
  async run(call) {
    const { options } = call
    const name = nameGiven(call.args.name)
    const manifest = await readManifest(options.manifest)
    const review = await readReview(options.review)
    const kind = kindGiven(options)
    check(manifest, review, kind)
    const given = await readText('--description', options.description)
    const client = await call.signedIn()
    const body = {
      manifest,
      review,
      kind,
      description: compact(given),
      ...(options.source === undefined ? {} : { source: options.source }),
      password: await call.password(),
    }
    const answer = record(
      options.replace
        ? await client.send('POST', `/v1/providers/${name}/versions`, body)
        : await client.send('POST', '/v1/providers', { name, ...body }),
    )
    if (call.json) return call.sayJson(answer, 2)
    const provider = record(answer['provider'])
    call.say(`${shown(provider, 'name')}, ${shown(provider, 'state')}`)
    call.say(`version: ${shown(provider, 'version')}`)
    say(call, reportIn(record(answer['report'])), options.verbose)
  },
})

/** Descriptions are often printed with an indent that is half of their size. */
function compact(description: string): string {
  try {
    return JSON.stringify(JSON.parse(description))
  } catch {
    return description
  }
}

const list = command({
  name: 'provider list',
  summary: 'List the providers this broker understands',
  json: true,
  examples: ['valetkey provider list'],
  async run(call) {
    const answer = record(await (await call.signedIn()).get('/v1/providers'))
    if (call.json) return call.sayJson(answer, 2)
    const rows = records(answer, 'items').map((item) => [
      shown(item, 'name'),
      texts(item, 'origins').join(' '),
      shown(item, 'catalogue_version').slice(0, 12),
    ])
    const columns = ['PROVIDER', 'ORIGIN', 'CATALOGUE'].map((title) => ({ title, most: 80 }))
    for (const line of table(columns, rows)) call.say(line)
  },
})

const show = command({
  name: 'provider show',
  summary: 'Show an imported provider, with its manifest and review',
  takes: ['name'],
  json: true,
  examples: ['valetkey provider show acme'],
  async run(call) {
    const name = nameGiven(call.args.name)
    call.sayJson(await (await call.signedIn()).get(`/v1/providers/${name}`), 2)
  },
})

const report = command({
  name: 'provider report',
  summary: 'Say how a provider’s operations were classified, and what waits for a review',
  takes: ['name'],
  options: { verbose: files.verbose },
  json: true,
  examples: ['valetkey provider report acme --verbose'],
  async run(call) {
    const name = nameGiven(call.args.name)
    const answer = record(await (await call.signedIn()).get(`/v1/providers/${name}/report`))
    if (call.json) return call.sayJson(answer, 2)
    say(call, reportIn(answer), call.options.verbose)
  },
})

const states = (['disable', 'enable'] as const).map((act) =>
  command({
    name: `provider ${act}`,
    summary:
      act === 'disable'
        ? 'Disable an imported provider: nothing is forwarded to it'
        : 'Enable an imported provider again',
    takes: ['name'],
    ...(act === 'enable' ? { password: true as const } : {}),
    examples: [`valetkey provider ${act} acme`],
    async run(call) {
      const name = nameGiven(call.args.name)
      const client = await call.signedIn()
      const body = act === 'enable' ? { password: await call.password() } : {}
      await client.send('POST', `/v1/providers/${name}/${act}`, body)
      call.say(`${name} is ${act}d.`)
    },
  }),
)

export const providerCommands: readonly Command[] = [build, importIt, list, show, report, ...states]
