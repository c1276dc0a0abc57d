/**
 * Operators' own providers over REST: any HTTP API that has a description, a GraphQL schema among them. An import decides what agents may be allowed,
 * so it asks for the password like minting does. The description is somebody else's text; it is compiled on a thread of
 * its own, one at a time, and nothing of it is stored but the catalogue and the report.
 */
import Type from 'typebox'
import {
  createProvider,
  readProvider,
  readProviderReport,
  replaceProvider,
  setProviderState,
  type ProviderInput,
  type ProviderRecord,
} from '../../directory/provider.ts'
import { Problem } from '../../problem.ts'
import type { Report } from '../../provider/compile/report.ts'
import { versionOf } from '../../provider/imported/adapter.ts'
import { compileApart } from '../../provider/imported/compile-apart.ts'
import { complaintAbout } from '../../provider/imported/complaint.ts'
import type { DescriptionKind } from '../../provider/imported/description.ts'
import { ImportedManifest } from '../../provider/imported/manifest.ts'
import { ImportedReview } from '../../provider/imported/review.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, Password, ProviderName } from '../schemas.ts'
import { commit } from './change.ts'
import { complaintAboutOrigin } from './origin.ts'
import { ImportedView, reportView, ReportView, shippedReport, view } from './provider-view.ts'

/** In bytes, of this one kind of request. */
const largestImport = 8 * 1024 * 1024

const description = {
  manifest: ImportedManifest,
  review: Type.Optional(ImportedReview),
  kind: Type.Optional(
    Type.Union([Type.Literal('openapi'), Type.Literal('list'), Type.Literal('graphql')], {
      description:
        'openapi, by default; list: [[method, path, operation], …]; graphql: a schema, which the manifest says the path of.',
    }),
  ),
  description: Type.String({
    minLength: 2,
    maxLength: largestImport,
    description:
      'OpenAPI 3.x or Swagger 2, as the text of its JSON or YAML; a list, as JSON; a GraphQL schema, as SDL or the JSON of an introspection.',
  }),
  source: Type.Optional(
    Type.String({
      pattern: '^[ -~]{1,100}$',
      description: 'Where the description is from, and which version it is.',
    }),
  ),
  password: Password,
}

type Given = {
  readonly manifest: ImportedManifest
  readonly review?: ImportedReview
  readonly kind?: DescriptionKind
  readonly description: string
  readonly source?: string
}

/** Stands in the log for a provider that is none. */
const reserved = new Set(['unknown'])

export function providerImportRoutes(app: App, deps: Deps): void {
  let compiling = false

  async function find(name: string): Promise<ProviderRecord> {
    const found = await readProvider(deps.db, name)
    if (found !== undefined) return found
    throw deps.providers.has(name)
      ? new Problem('conflict', `${name} ships with the broker, and is not yours to change`)
      : new Problem('not_found', 'there is no provider of this name')
  }

  /** Throws a Problem that names what was wrong. */
  async function compiled(
    name: string,
    given: Given,
  ): Promise<{ readonly input: ProviderInput; readonly report: Report }> {
    const { manifest, review = {}, kind = 'openapi' } = given
    const complaint = complaintAbout(manifest, review, kind)
    if (complaint !== undefined) throw refuse(complaint.pointer, complaint.detail)
    const aboutOrigin = complaintAboutOrigin(deps, name, manifest.origin)
    if (aboutOrigin !== undefined) throw refuse('/manifest/origin', aboutOrigin)
    if (compiling) throw new Problem('conflict', 'another description is being compiled: try again')
    compiling = true
    try {
      const result = await compileApart({
        description: given.description,
        kind,
        source: given.source,
        manifest,
        review,
      })
      if (!result.ok) throw refuse(result.pointer ?? '/description', result.detail)
      const { catalogue, report } = result
      const version = versionOf(manifest, catalogue)
      return { input: { name, manifest, review, version, catalogue, report }, report }
    } finally {
      compiling = false
    }
  }

  app.post(
    '/v1/providers',
    {
      bodyLimit: largestImport,
      config: { action: 'provider.create', roles: ['admin'] },
      schema: {
        operationId: 'importProvider',
        summary:
          'Import a provider of your own from its description; what could not be told is denied until you review it',
        body: closed({ name: ProviderName, ...description }),
        response: answers(201, closed({ provider: ImportedView, report: ReportView })),
      },
    },
    async (request, reply) => {
      const { name, password, ...given } = request.body
      await requirePassword(deps, request, password)
      const taken = await readProvider(deps.db, name)
      if (taken !== undefined)
        throw new Problem('conflict', 'there is one of this name: give it a new version')
      if (deps.providers.has(name) || reserved.has(name))
        throw new Problem('conflict', 'a provider that ships with the broker has this name')
      const { input, report } = await compiled(name, given)
      await commit(deps, request, async (tx) => {
        if (!(await createProvider(tx, input, operatorOf(request).id)))
          throw new Problem('conflict', 'there is one of this name by now')
        return { value: undefined, subject: name, change: changeOf(input, report) }
      })
      void reply.code(201)
      return { provider: view(await find(name)), report: reportView(report) }
    },
  )

  app.post(
    '/v1/providers/:name/versions',
    {
      bodyLimit: largestImport,
      config: { action: 'provider.replace', roles: ['admin'] },
      schema: {
        operationId: 'replaceProvider',
        summary:
          'Compile a new version; grants that were reviewed against the old one cover what is new only by name',
        params: closed({ name: ProviderName }),
        body: closed(description),
        response: answers(201, closed({ provider: ImportedView, report: ReportView })),
      },
    },
    async (request, reply) => {
      const { password, ...given } = request.body
      await requirePassword(deps, request, password)
      const before = await find(request.params.name)
      const { name } = before
      // Credentials are pinned to it: what was given to one host must not go to another.
      if ((before.manifest as ImportedManifest).origin !== given.manifest.origin)
        throw refuse('/manifest/origin', 'it is for ever: import it under another name')
      const { input, report } = await compiled(name, given)
      await commit(deps, request, async (tx) => {
        if (!(await replaceProvider(tx, input, before.version, deps.now())))
          throw new Problem('conflict', 'somebody else has just replaced it')
        return { value: undefined, subject: name, change: changeOf(input, report) }
      })
      void reply.code(201)
      return { provider: view(await find(name)), report: reportView(report) }
    },
  )

  app.get(
    '/v1/providers/:name',
    {
      config: { action: 'provider.read', roles: ['admin', 'auditor'] },
      schema: {
        operationId: 'readProvider',
        summary: 'Read an imported provider, with its manifest and review',
        params: closed({ name: ProviderName }),
        response: answers(200, ImportedView),
      },
    },
    async (request) => {
      const found = await readProvider(deps.db, request.params.name)
      if (found === undefined)
        throw new Problem('not_found', 'no provider of this name is imported')
      return view(found)
    },
  )

  app.get(
    '/v1/providers/:name/report',
    {
      config: { action: 'provider.report', roles: ['admin', 'auditor'] },
      schema: {
        operationId: 'readProviderReport',
        summary: 'Say how each operation was classified and why, and what waits for a review',
        params: closed({ name: ProviderName }),
        response: answers(200, ReportView),
      },
    },
    async (request) => {
      const { name } = request.params
      const stored = await readProviderReport(deps.db, name)
      if (stored !== undefined) return reportView(stored as Report)
      const adapter = deps.providers.get(name)
      if (adapter === undefined) throw new Problem('not_found', 'there is no provider of this name')
      return reportView(shippedReport(adapter))
    },
  )

  for (const [act, state] of [
    ['disable', 'disabled'],
    ['enable', 'active'],
  ] as const) {
    app.post(
      `/v1/providers/:name/${act}`,
      {
        config: { action: `provider.${act}`, roles: ['admin'] },
        schema: {
          operationId: `${act}Provider`,
          summary:
            act === 'disable'
              ? 'Disable an imported provider: nothing is understood, and so nothing forwarded, until it is enabled'
              : 'Enable an imported provider after it was disabled',
          params: closed({ name: ProviderName }),
          body: act === 'enable' ? closed({ password: Password }) : Empty,
          response: answers(200, Empty),
        },
      },
      async (request) => {
        if (act === 'enable')
          await requirePassword(deps, request, (request.body as { password: string }).password)
        const { name } = await find(request.params.name)
        await commit(deps, request, async (tx) => {
          await setProviderState(tx, name, state)
          return { value: undefined, subject: name, change: { state } }
        })
        return {}
      },
    )
  }
}

function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

function changeOf({ manifest, version }: ProviderInput, report: Report) {
  const { source, operations, unreviewed } = report
  return { version, origin: (manifest as ImportedManifest).origin, source, operations, unreviewed }
}
