/** kubectl, unmodified but for its server and its token, through a whole broker with its own TLS. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTestBroker } from '../../support/broker.ts'
import {
  startKubernetesStandIn,
  type KubernetesStandIn,
} from '../../support/kubernetes-stand-in.ts'
import { loopbackCert, loopbackKey } from '../../support/loopback-certificate.ts'
import { grantOn } from '../../support/world.ts'

const clusterToken = 'cluster-token-of-the-staging-service-account'

function kubectlIsMissing(): string | false {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return false
  } catch {
    return 'kubectl is not installed'
  }
}

type Ran = { readonly ok: boolean; readonly output: string }
type Kubectl = (...args: readonly string[]) => Promise<Ran>

async function world(
  t: TestContext,
  verbs: readonly string[],
): Promise<{ kubectl: Kubectl; cluster: KubernetesStandIn; home: string }> {
  const cluster = await startKubernetesStandIn(clusterToken)
  t.after(() => cluster.close())
  const broker = await openTestBroker(t, {
    upstreams: { kubernetes: cluster.origin },
    replicaTls: { cert: loopbackCert, key: loopbackKey },
  })
  // Fastify knows its server's scheme only where it made the server itself.
  const url = (await broker.replica()).url.replace('http:', 'https:')
  const granted = await grantOn(broker, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret: clusterToken,
    grant: { verbs, approval: 'never' },
  })
  const home = await mkdtemp(path.join(tmpdir(), 'valetkey-kubectl-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: `${url}/proxy/kubernetes`,
          'certificate-authority-data': loopbackCert.toString('base64'),
        },
      },
    ],
    users: [{ name: 'u', user: { token: await granted.token() } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'staging' } }],
    'current-context': 'x',
  }
  await writeFile(path.join(home, 'config'), JSON.stringify(config))
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: path.join(home, 'config') }
  const kubectl: Kubectl = (...args) =>
    new Promise((resolve) => {
      execFile('kubectl', [...args], { env, timeout: 20_000 }, (error, stdout, stderr) =>
        resolve({ ok: error === null, output: `${stdout}${stderr}` }),
      )
    })
  return { kubectl, cluster, home }
}

test(
  'kubectl does in its namespace what the grant says, and nothing elsewhere',
  {
    skip: kubectlIsMissing(),
  },
  async (t) => {
    const { kubectl, cluster, home } = await world(t, [
      'read',
      'core.v1.pods/delete',
      'core.v1.configmaps/create',
      'core.v1.configmaps/patch',
      'apps.v1.deployments.scale/patch',
      'core.v1.pods/patch',
    ])

    await t.test('it lists pods, in the table that the server makes', async () => {
      const { ok, output } = await kubectl('get', 'pods')
      assert.ok(ok, output)
      assert.match(output, /NAME +STATUS\nweb-1 +Running/)
    })
    await t.test('it reads logs', async () => {
      const { output } = await kubectl('logs', 'web-1')
      assert.match(output, /web-1: started/)
    })
    await t.test('it scales, but not to nothing', async () => {
      const up = await kubectl('scale', 'deployment/web', '--replicas=3')
      assert.ok(up.ok, up.output)
      const down = await kubectl('scale', 'deployment/web', '--replicas=0')
      assert.ok(!down.ok)
      assert.match(down.output, /apps\.v1\.deployments\.scale\/patch\+destructive.*verb_missing/s)
      const patches = cluster.requests.filter(({ line }) => line.startsWith('PATCH'))
      assert.deepEqual(
        patches.map(({ body }) => body),
        ['{"spec":{"replicas":3}}'],
      )
    })
    await t.test('it creates, and applies on the server', async () => {
      const file = path.join(home, 'map.yaml')
      await writeFile(
        file,
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: fast}\n',
      )
      const created = await kubectl('create', '--validate=false', '-f', file)
      assert.ok(created.ok, created.output)
      const applied = await kubectl('apply', '--server-side', '--validate=false', '-f', file)
      assert.ok(applied.ok, applied.output)
      const last = cluster.requests.at(-1)
      assert.equal(last?.headers['content-type'], 'application/apply-patch+yaml')
      assert.deepEqual((JSON.parse(last.body) as { data: unknown }).data, { mode: 'fast' })
    })
    await t.test('a patch of a pod is refused where it gives the pod more', async () => {
      const before = cluster.requests.length
      const patch = '{"spec":{"hostNetwork":true}}'
      const { ok, output } = await kubectl('patch', 'pod', 'web-1', '--type=merge', '-p', patch)
      assert.ok(!ok)
      assert.match(output, /core\.v1\.pods\/patch\+admin/)
      assert.ok(cluster.requests.slice(before).every(({ line }) => !line.startsWith('PATCH')))
    })
    await t.test('exec is refused in words that a person can read', async () => {
      const { ok, output } = await kubectl('exec', 'web-1', '--', 'id')
      assert.ok(!ok)
      assert.match(output, /upgrades are not supported/)
      assert.ok(cluster.requests.every(({ line }) => !line.includes('/exec')))
    })
    await t.test('secrets, other namespaces and the whole cluster are refused', async () => {
      const before = cluster.requests.length
      for (const [args, said] of [
        [['get', 'secrets'], /core\.v1\.secrets\/list.*verb_missing/s],
        [['get', 'pods', '-n', 'production'], /outside test\/.*environment_outside/s],
        [['get', 'pods', '--all-namespaces'], /concerns the account as a whole/],
        [['delete', 'pod', 'web-1', '-n', 'production'], /environment_outside/],
        [['get', 'pods', '--as=system:admin'], /impersonate-user/],
      ] as const) {
        const { ok, output } = await kubectl(...args)
        assert.ok(!ok, args.join(' '))
        assert.match(output, said)
        assert.ok(!output.includes(clusterToken))
      }
      const discovery = /^GET \/(?:version|apis?)(?:\/v1|\/apps\/v1)?(?:\?.*)?$/
      for (const { line } of cluster.requests.slice(before)) assert.match(line, discovery)
      assert.ok(cluster.objects.has('production/pods/web-1'))
    })
    await t.test('it deletes a pod, which its verb covers', async () => {
      const { ok, output } = await kubectl('delete', 'pod', 'web-1')
      assert.ok(ok, output)
      assert.ok(!cluster.objects.has('staging/pods/web-1'))
    })
    await t.test('the cluster sees the credential, and nothing of who asked', () => {
      for (const { headers } of cluster.requests) {
        assert.equal(headers['authorization'], `Bearer ${clusterToken}`)
        assert.equal(headers['kubectl-command'], undefined)
        assert.equal(headers['user-agent'], 'valetkey')
      }
    })
  },
)
