/**
 * Where a request may go: a closed list of services and regions, out of which the host is made. Against an agent that
 * writes another host into the credential scope of its signature: text that is not on the list makes no host at all.
 */

/** `global`: one host for all regions, whatever region the scope names. */
export const services = {
  dynamodb: { global: false },
  ec2: { global: false },
  iam: { global: true },
  rds: { global: false },
  s3: { global: false },
  sts: { global: false },
} as const

export type ServiceName = keyof typeof services

export type Destination = {
  readonly service: ServiceName
  readonly region: string
  readonly origin: string
}

/** The regions of the partition `aws`. China and GovCloud are other partitions, with other accounts and other hosts. */
export const regions: ReadonlySet<string> = new Set([
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
])

/** Stands for the whole partition: what a credential is pinned to. Requests go to the hosts below it, never to itself. */
export const partitionOrigin = 'https://amazonaws.com'

/** Undefined where the service or the region is not on the list. */
export function destinationOf(service: string, region: string): Destination | undefined {
  if (!Object.hasOwn(services, service) || !regions.has(region)) return undefined
  const name = service as ServiceName
  if (!services[name].global)
    return { service: name, region, origin: `https://${name}.${region}.amazonaws.com` }
  return { service: name, region: 'us-east-1', origin: `https://${name}.amazonaws.com` }
}

/** The region that an operation of this service reaches; `global` for what has none. */
export function regionReached({ service, region }: Destination): string {
  return services[service].global ? 'global' : region
}
