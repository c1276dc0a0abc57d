/**
 * What each provider that ships was compiled from, and how that is read. A provider with a `catalogue.json` and a
 * `manifest.ts` needs one line here, or none where its description is not to be had.
 */
import { existsSync } from 'node:fs'
import type { ProviderAdapter } from '../../src/provider/adapter.ts'
import { awsService } from '../../src/provider/aws/catalogue.ts'
import { describe as describeDigitalocean } from '../../src/provider/digitalocean/compile.ts'
import { railwayCatalogue } from '../../src/provider/railway/catalogue.ts'
import type { RestManifest } from '../../src/provider/rest/manifest.ts'
import {
  beside,
  countGraphql,
  countList,
  countModel,
  countOpenApi,
  countRead,
  installed,
} from './count.ts'
import { adapterPart, filePart, homesOf, namesIn, type Part } from './part.ts'

/** How many operations the description of a REST provider has. */
const described: Readonly<Record<string, () => number | undefined>> = {
  anthropic: () => countList(beside('operations/anthropic.json')),
  digitalocean: () =>
    countRead(beside('digitalocean-openapi-specification.tar.gz'), describeDigitalocean),
  kubernetes: () => countList(beside('operations/kubernetes.json')),
  openai: () => countOpenApi(beside('openai-openapi.json')),
  stripe: () => countList(beside('operations/stripe.json')),
  supabase: () => countOpenApi(beside('supabase-management-openapi.json')),
}

/** Those that are made of more than one catalogue, or of another kind. */
const composed: Readonly<Record<string, () => readonly Part[]>> = {
  aws: () =>
    namesIn('aws/catalogue/').map((service) => {
      const part = filePart({
        title: `aws/${service}`,
        file: `aws/catalogue/${service}.json`,
        described: countModel(beside(`aws/${service}.json.gz`)),
      })
      const prefixes = `prefixes of ids, target: asked from EC2, with its owner`
      return service === 'ec2'
        ? { ...part, ids: new Map([[prefixes, awsService('ec2').kinds.length]]) }
        : part
    }),
  github: () => [
    filePart({
      title: 'github/rest',
      file: 'github/catalogue.json',
      described: countOpenApi(installed('@octokit/openapi/generated/api.github.com.json')),
      inPaths: { names: '{owner|name}/{repo|name}', key: 'repository target: place' },
    }),
    filePart({
      title: 'github/graphql',
      file: 'github/graphql/operations.json',
      source: '@octokit/graphql-schema',
      described: countGraphql(installed('@octokit/graphql-schema', 'schema.graphql')),
    }),
  ],
  railway: () => [railway()],
}

function railway(): Part {
  const fields = [...railwayCatalogue().operations.values()]
  const ids = new Map<string, number>()
  for (const { kind, role } of fields.flatMap((field) => field.ids)) {
    const key = `${kind} ${role}: ${role === 'none' ? 'names nothing that is touched' : 'asked'}`
    ids.set(key, (ids.get(key) ?? 0) + 1)
  }
  const operations = fields.map(({ operation, effects, denied }) => ({
    name: operation,
    effects,
    ...(denied ? { denied: 'what it does, or what it touches, could not be told' } : {}),
  }))
  return {
    title: 'railway',
    source: "Railway's published schema",
    described: countGraphql(beside('railway-schema.graphql')),
    operations,
    ids,
    unreviewed: operations.filter((one) => one.denied !== undefined),
  }
}

export async function partsOf(adapter: ProviderAdapter): Promise<readonly Part[]> {
  const { name } = adapter
  const known = Object.hasOwn(composed, name) ? composed[name] : undefined
  if (known !== undefined) return known()
  const folder = new URL(`../../src/provider/${name}/`, import.meta.url)
  if (!existsSync(new URL('catalogue.json', folder)) || !existsSync(new URL('manifest.ts', folder)))
    return [adapterPart(name, adapter.operations())]
  const { manifest } = (await import(new URL('manifest.ts', folder).href)) as {
    readonly manifest: RestManifest
  }
  const part = filePart({
    title: name,
    file: `${name}/catalogue.json`,
    described: Object.hasOwn(described, name) ? described[name]?.() : undefined,
    resolver: homesOf(manifest),
  })
  const { self } = manifest
  if (self === undefined) return [part]
  const own = `the credential itself, as ${self.is === 'key' ? 'key:own' : `a ${self.of}, asked`}`
  return [{ ...part, ids: new Map([...part.ids, [own, part.operations.length]]) }]
}
