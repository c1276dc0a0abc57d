/** gh, unmodified but for its host and its token, through a whole broker with its own TLS. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTestBroker } from '../../support/broker.ts'
import {
  githubIds,
  githubWorld,
  startGithubGraphqlStandIn,
} from '../../support/github-graphql-stand-in.ts'
import { loopbackCert, loopbackKey } from '../../support/loopback-certificate.ts'
import { grantOn } from '../../support/world.ts'

const secret = 'ghs_standInSecretOfTheBroker0123456789'
/** The broker's name for GitHub. Without a port, gh would take it for its own development host and speak plain http. */
const host = 'github.localhost:8474'
const own = `${host}/acme/app-staging`
const other = `${host}/acme/app-prod`

function ghIsMissing(): string | false {
  try {
    execFileSync('gh', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'gh is not installed'
  }
}

/**
 * The name and port that gh is given, brought to the port that the broker has: an HTTP CONNECT tunnel, through which gh
 * speaks TLS with the broker itself. It depends on no resolver, and on no port being free.
 */
async function tunnelTo(t: TestContext, port: number): Promise<string> {
  const sockets = new Set<Socket>()
  const proxy = createServer()
  proxy.on('connect', (request, near: Socket) => {
    if (request.url !== host) {
      near.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const far = connect(port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 OK\r\n\r\n')
      near.pipe(far)
      far.pipe(near)
    })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`
}

type Ran = { readonly ok: boolean; readonly output: string }
type Gh = (...args: readonly string[]) => Promise<Ran>

async function open(t: TestContext) {
  const world = githubWorld()
  const upstream = await startGithubGraphqlStandIn(world, secret)
  t.after(() => upstream.close())
  const broker = await openTestBroker(t, {
    upstreams: { github: upstream.origin },
    publicUrl: 'https://localhost:8474',
    replicaTls: { cert: loopbackCert, key: loopbackKey },
  })
  const replica = await broker.replica()
  const tunnel = await tunnelTo(t, Number(new URL(replica.url).port))
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
    secret,
    grant: { verbs: ['read', 'closeIssue'], approval: 'never' },
  })
  upstream.log.length = 0
  const home = await mkdtemp(path.join(tmpdir(), 'valetkey-gh-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await writeFile(path.join(home, 'cert.pem'), loopbackCert)
  const client = async (verbs: readonly string[]): Promise<Gh> => {
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      GH_CONFIG_DIR: home,
      GH_HOST: host,
      GH_ENTERPRISE_TOKEN: await granted.token({ verbs }),
      GH_NO_UPDATE_NOTIFIER: '1',
      GH_PROMPT_DISABLED: '1',
      HTTPS_PROXY: tunnel,
      SSL_CERT_FILE: path.join(home, 'cert.pem'),
      // Where it keeps what it has learnt of a host.
      TMPDIR: home,
    }
    return (...args) =>
      new Promise((resolve) => {
        execFile('gh', [...args], { env, cwd: home, timeout: 20_000 }, (error, stdout, stderr) =>
          resolve({ ok: error === null, output: `${stdout}${stderr}` }),
        )
      })
  }
  return { world, upstream, client }
}

/**
 * What of gh 2.23 is refused because a document asks for more than its repository, and stays refused:
 * - `pr view`, `pr checkout`, `pr diff` by branch: `PullRequest.headRepository`, which may be a fork. `--json` with other
 *   fields does.
 * - `pr checks`: `isRequired(pullRequestId)` of `StatusContext` and `CheckRun`, an id that is not looked up.
 * - `search`: `Query.search`, which is the whole of GitHub’s; `repo list`: `Query.repositoryOwner`. `pr status` is not valid: its
 *   document uses a variable that it does not declare.
 * - `issue create`, `pr create`: `Repository.parent`, which is another repository. `gh api` with REST does.
 * - `auth status`: the root of the REST API, which belongs to the account.
 */
const refusals: readonly (readonly [args: readonly string[], said: RegExp])[] = [
  [
    ['api', 'repos/acme/app-prod'],
    /gh: repos\/get touches something outside test\/\d+ \(HTTP 403\)/,
  ],
  [['issue', 'list', '-R', other], /HTTP 403: repository touches something outside test\//],
  [['issue', 'view', '1', '-R', other], /HTTP 403: repository touches something outside test\//],
  [['issue', 'close', '1', '-R', other], /HTTP 403: repository touches something outside test\//],
  [
    ['repo', 'delete', '--yes', own],
    /HTTP 403: .*ask an admin for the verb repos\/delete in test\//,
  ],
  [['pr', 'view', '9', '-R', own], /HTTP 403: .*PullRequest\.headRepository/],
  [['pr', 'checks', '9', '-R', own], /HTTP 403: .*StatusContext\.isRequired takes an id/],
  [['issue', 'create', '-t', 'a', '-b', 'b', '-R', own], /HTTP 403: .*Repository\.parent/],
  [['search', 'issues', 'secret'], /HTTP 403: search\/\S+ concerns the account as a whole/],
  [['repo', 'list', 'acme'], /HTTP 403: repositoryOwner concerns the account as a whole/],
  [['secret', 'list', '-R', own], /HTTP 403: .*actions\/list-repo-secrets/],
]

const board = (selection: string): string =>
  `{repository(owner:"acme",name:"app-staging"){issue(number:1){projectCards(first:9){nodes{${selection}}}}}}`

test(
  'gh does in its repository what the grant says, and nothing elsewhere',
  {
    skip: ghIsMissing(),
  },
  async (t) => {
    const { world, upstream, client } = await open(t)
    const [reader, writer] = [await client(['read']), await client(['read', 'closeIssue'])]

    await t.test('it reads a repository', async () => {
      const { ok, output } = await reader('api', 'repos/acme/app-staging')
      assert.ok(ok, output)
      assert.deepEqual(JSON.parse(output), { full_name: 'acme/app-staging' })
    })
    await t.test('it lists and shows issues, pull requests and labels', async () => {
      for (const [args, said] of [
        [['issue', 'list', '-R', own], /^1\tOPEN\tissue 1 of acme\/app-staging\t/m],
        [['issue', 'view', '1', '-R', own], /^title:\tissue 1 of .*^projects:\tRoadmap/ms],
        [['issue', 'status', '-R', own], /Relevant issues in acme\/app-staging/],
        [['pr', 'list', '-R', own], /^9\ta pull request\tfeature\/login\tOPEN/m],
        [
          ['pr', 'view', '9', '-R', own, '--json', 'title,state,labels'],
          /"title":"a pull request"/,
        ],
        [['label', 'list', '-R', own], /^bug\t.*#ff0000/m],
        [['repo', 'view', own], /^name:\tacme\/app-staging$/m],
      ] as const) {
        const { ok, output } = await reader(...args)
        assert.ok(ok, `${args.join(' ')}: ${output}`)
        assert.match(output, said)
        assert.ok(!output.includes('app-prod'))
      }
    })
    await t.test('it closes an issue where the capability says so, and only there', async () => {
      const issue = world.nodes.get(githubIds.appIssue)
      const unable = await reader('issue', 'close', '1', '-R', own)
      assert.ok(!unable.ok)
      assert.match(unable.output, /does not cover closeIssue, but its grant does/)
      assert.equal(issue?.['state'], 'OPEN')
      const able = await writer('issue', 'close', '1', '-R', own)
      assert.ok(able.ok, able.output)
      assert.match(able.output, /Closed issue #1/)
      assert.equal(issue['state'], 'CLOSED')
    })
    await t.test('the rest is refused in words that a person can read', async () => {
      const before = upstream.log.length
      for (const [args, said] of refusals) {
        const { ok, output } = await writer(...args)
        assert.ok(!ok, args.join(' '))
        assert.match(output, said, args.join(' '))
        assert.ok(!output.includes(secret))
      }
      assert.equal(world.nodes.get(githubIds.prodIssue)?.['state'], 'OPEN')
      for (const { line, body } of upstream.log.slice(before)) {
        assert.equal(line, 'POST /graphql')
        assert.doesNotMatch(
          body,
          /app-prod|headRepository|isRequired|parent|search|repositoryOwner/,
        )
      }
    })
    await t.test('of a board it learns the name, and no more', async () => {
      for (const [selection, edge] of [
        ['project{name} column{name}', undefined],
        ['project{body}', 'Project.body'],
        ['project{owner{id}}', 'Project.owner'],
        ['project{columns(first:9){totalCount}}', 'Project.columns'],
        ['column{cards(first:9){totalCount}}', 'ProjectColumn.cards'],
        ['content{__typename}', 'ProjectCard.content'],
      ] as const) {
        const { ok, output } = await reader('api', 'graphql', '-f', `query=${board(selection)}`)
        assert.equal(ok, edge === undefined, output)
        if (edge !== undefined)
          assert.ok(output.includes(`${edge} reaches what is outside`), output)
      }
    })
  },
)
