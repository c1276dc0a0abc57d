/** Grants whose credential mints what goes out, at the stand-ins of Railway and Kubernetes. */
import type { TestBroker } from './broker.ts'
import { railwayIds } from './railway-world.ts'
import { grantOn, type Granted } from './world.ts'

type Operated = Pick<TestBroker, 'url' | 'api'>

/** On staging, and handed out: everything, as native tokens of Railway can do no less. */
export function railwayHandedOut(
  broker: Operated,
  secret: string,
  grant: Record<string, unknown> = {},
): Promise<Granted> {
  return grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
    style: 'project-token',
    mint: { kind: 'railway' },
    grant: {
      verbs: ['read+write+destructive+secret+admin'],
      approval: 'never',
      minted: 'reveal',
      hand_out: true,
      ...grant,
    },
  })
}

/** In the namespace `staging`, as one account to write and as another to read. */
export function clusterMinting(
  broker: Operated,
  secret: string,
  grant: Record<string, unknown>,
): Promise<Granted> {
  return grantOn(broker, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret,
    mint: {
      kind: 'kubernetes',
      namespace: 'staging',
      service_account: 'deployer',
      read_service_account: 'viewer',
    },
    grant: { approval: 'never', ...grant },
  })
}
