import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import { decisionOf, requestOf } from './request.ts'

const shared = new URL('../../../../shared/conformance/', import.meta.url)
const skip = existsSync(shared) ? false : 'the shared conformance cases are not here'

type Case = {
  readonly id: string
  readonly request: {
    readonly method: string
    readonly target: string
    readonly headers: readonly (readonly [string, string])[]
    readonly headers_repeat?: unknown
    readonly body?: string
  }
  readonly expect: Readonly<Record<string, unknown>>
}

/** What this provider does where the cases leave a choice open (`policy_decision`). */
const choices: Readonly<Record<string, 'allow' | 'deny'>> = {
  'encoded-slash-per-route': 'allow',
  'head-like-get': 'allow',
}

const verbsOf = { gh_readonly_staging: ['read'], gh_verbs_repos_get_staging: ['repos/get'] }

test(
  'every REST case is decided as it should be, and what is allowed leaves as it should',
  { skip },
  async (t) => {
    const { expandDeep, defaults } = (await import(new URL('expand.mjs', shared).href)) as {
      expandDeep: (value: unknown) => unknown
      defaults: Readonly<Record<string, string>>
    }
    const prefix = defaults['GH_PREFIX'] ?? ''
    const file = JSON.parse(readFileSync(new URL('rest.json', shared), 'utf8')) as {
      cases: readonly Case[]
    }
    const adapter = githubAdapter()
    for (const one of file.cases) {
      const { id, request, expect } = expandDeep(one) as Case
      await t.test(id, async (t) => {
        if (request.headers_repeat !== undefined)
          return t.skip('how many headers there are is for the HTTP server')
        const target = request.target.startsWith(prefix)
          ? request.target.slice(prefix.length)
          : request.target
        const headers = Object.fromEntries(
          request.headers.map(([name, value]) => [name.toLowerCase(), value]),
        )
        const asked = requestOf(`${request.method} ${target}`, headers, request.body)
        const identified = adapter.identify(asked)
        for (const [capability, verbs] of Object.entries(verbsOf)) {
          const decision = await decisionOf(adapter, identified, verbs)
          const choice = choices[String(expect['policy_decision'])]
          const expected = expect[capability] === 'either' ? choice : expect[capability]
          switch (expected) {
            case 'allow':
            case 'deny':
              assert.equal(decision, expected, capability)
              break
            case 'deny_or_sanitize':
            case 'deny_or_canonical':
              break
            default:
              assert.fail(`no expectation of ${capability}: ${String(expected)}`)
          }
          if (decision !== 'allow' || !identified.ok) continue
          const { request: leaves } = identified
          if (typeof expect['upstream_path'] === 'string')
            assert.equal(leaves.target, expect['upstream_path'])
          for (const name of (expect['upstream_must_not_have_headers'] ?? []) as string[]) {
            assert.equal(leaves.headers[name], undefined)
          }
          for (const text of (expect['upstream_must_not_contain'] ?? []) as string[]) {
            assert.ok(!JSON.stringify(leaves).includes(text), text)
          }
        }
        return undefined
      })
    }
  },
)
