/** Every Railway case of the shared conformance files, at the level of the adapter. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { railwayWorld } from '../../support/railway-world.ts'
import { adapter, asking, post, verdict } from '../../support/railway-verdict.ts'

type Case = {
  readonly id: string
  readonly provider: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string> | [string, string][]
    readonly body?: string
    readonly body_transform?: string[]
  }
  readonly expect: Record<string, unknown> & {
    readonly custom?: { verbs: string[]; env: string; outcome: string }[]
    readonly upstream_must_not_contain?: string[]
  }
}
type Expander = {
  readonly defaults: Record<string, string>
  readonly expandDeep: <T>(value: T, values: Record<string, string>) => T
  readonly encodeBody: (text: string, transforms?: string[]) => Buffer
}

const folder = new URL('../../../../shared/conformance/', import.meta.url)
const absent = existsSync(folder) ? false : 'the shared conformance cases are not here'

const prefix = '/proxy/railway'

if (absent !== false) test('conformance cases for Railway', { skip: absent })
else {
  const { defaults, expandDeep, encodeBody } = (await import(
    new URL('expand.mjs', folder).href
  )) as Expander
  const read = JSON.parse(readFileSync(new URL('graphql.json', folder), 'utf8')) as {
    cases: Case[]
  }
  const value = (name: string): string => defaults[name] ?? assert.fail(`no value for ${name}`)
  const staging = value('ENV_STAGING')

  const world = () =>
    railwayWorld({
      workspace: value('WORKSPACE_ID'),
      project: value('PROJECT_ID'),
      staging,
      production: value('ENV_PROD'),
      service: value('SERVICE_ID'),
      volumeStaging: value('VOLUME_STAGING'),
      volumeProduction: value('VOLUME_PROD'),
      volumeInstanceStaging: value('VOLINST_STAGING'),
      volumeInstanceProduction: value('VOLINST_PROD'),
      deploymentStaging: value('DEPLOY_STAGING'),
      deploymentProduction: value('DEPLOY_PROD'),
      backupStaging: value('BACKUP_STAGING'),
      bucket: value('BUCKET_ID'),
      otherProject: value('OTHER_PROJECT_ID'),
      otherEnvironment: value('ENV_OTHER'),
      otherService: value('SERVICE_OTHER'),
    })

  for (const raw of read.cases.filter((one) => one.provider === 'railway')) {
    test(`conformance ${raw.id}`, async (t) => {
      const { request, expect } = expandDeep(raw, defaults)
      const headers = Array.isArray(request.headers)
        ? Object.fromEntries(request.headers)
        : (request.headers ?? {})
      const [path = '', ...query] = request.path.split('?')
      assert.ok(path.startsWith(prefix))
      const sent = post(encodeBody(request.body ?? '', request.body_transform), {
        method: request.method,
        path: path.slice(prefix.length),
        query: query.length === 0 ? undefined : query.join('?'),
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, content]) => [name.toLowerCase(), content]),
        ),
      })
      const capabilities: [string, readonly string[], unknown][] = [
        ['readonly_staging', ['read'], expect['readonly_staging']],
        ['verbs_volumeCreate_staging', ['volumeCreate'], expect['verbs_volumeCreate_staging']],
        ...(expect.custom ?? []).map(({ verbs, outcome }): [string, readonly string[], unknown] => [
          'custom',
          verbs,
          outcome,
        ]),
      ]
      for (const [name, verbs, outcome] of capabilities) {
        await t.test(`${name} ${String(outcome)}`, async () => {
          const asked = asking(world())
          const { kind } = await verdict(sent, verbs, [staging], asked)
          if (outcome === 'allow' || outcome === 'deny') assert.equal(kind, outcome)
          else if (outcome === 'approval_required') assert.equal(kind, 'needs_approval')
          else assert.ok(outcome === 'either' || outcome === 'deny_or_sanitize')
          assert.ok(asked.questions.length <= 20)
          // What would be forwarded, whoever is asked first: never what the case forbids.
          const identified = adapter.identify(sent)
          if (kind !== 'allow' || !identified.ok) return
          for (const forbidden of expect.upstream_must_not_contain ?? [])
            assert.ok(!identified.request.body?.includes(forbidden))
        })
      }
    })
  }
}
