/**
 * Where a request may go: a closed list of services and regions, out of which the host is made. Against an agent that
 * writes another host into the credential scope of its signature: text that is not on the list makes no host at all.
 *
 * Partitions are AWS's worlds apart, each with its own accounts, hosts and names of buckets. A credential is pinned to
 * one, by the origin that stands for it, and signs nothing for another.
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
export type PartitionName = 'aws' | 'aws-cn' | 'aws-us-gov'

export type Destination = {
  readonly service: ServiceName
  readonly region: string
  readonly partition: PartitionName
  readonly origin: string
  /** What a credential must be pinned to, so as to sign for it. */
  readonly pin: string
}

type Partition = {
  /** Stands for the whole partition. Requests go to hosts below `suffix`, never to itself. */
  readonly pin: string
  readonly suffix: string
  /** The pseudo-region of what has none, as environments are bound to it. */
  readonly everywhere: string
  /** Of the global services: what stands between their name and the suffix, and the region of their scope. */
  readonly home: { readonly host: string; readonly region: string }
  readonly regions: readonly string[]
}

/** The first is what a credential is pinned to unless it says another. */
export const partitions: Readonly<Record<PartitionName, Partition>> = {
  aws: {
    pin: 'https://amazonaws.com',
    suffix: 'amazonaws.com',
    everywhere: 'global',
    home: { host: '', region: 'us-east-1' },
    regions: `af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
      ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4
      ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1
      eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1
      me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1
      us-west-2`.split(/\s+/),
  },
  'aws-cn': {
    pin: 'https://amazonaws.com.cn',
    suffix: 'amazonaws.com.cn',
    everywhere: 'aws-cn-global',
    home: { host: 'cn-north-1.', region: 'cn-north-1' },
    regions: ['cn-north-1', 'cn-northwest-1'],
  },
  // Its hosts lie below those of `aws`; the domain of its console stands for it.
  'aws-us-gov': {
    pin: 'https://amazonaws-us-gov.com',
    suffix: 'amazonaws.com',
    everywhere: 'aws-us-gov-global',
    home: { host: 'us-gov.', region: 'us-gov-west-1' },
    regions: ['us-gov-east-1', 'us-gov-west-1'],
  },
}

const partitionNames = Object.keys(partitions) as readonly PartitionName[]
const partitionOfRegion: ReadonlyMap<string, PartitionName> = new Map(
  partitionNames.flatMap((name) => partitions[name].regions.map((region) => [region, name])),
)

export const regions: ReadonlySet<string> = new Set(partitionOfRegion.keys())

/** Undefined where the service or the region is not on the list. */
export function destinationOf(service: string, region: string): Destination | undefined {
  const partition = partitionOfRegion.get(region)
  if (!Object.hasOwn(services, service) || partition === undefined) return undefined
  const name = service as ServiceName
  const { pin, suffix, home } = partitions[partition]
  const common = { service: name, partition, pin }
  return services[name].global
    ? { ...common, region: home.region, origin: `https://${name}.${home.host}${suffix}` }
    : { ...common, region, origin: `https://${name}.${region}.${suffix}` }
}

/** The region that an operation of this service reaches; the partition's own word for what has none. */
export function regionReached({ service, region, partition }: Destination): string {
  return services[service].global ? partitions[partition].everywhere : region
}

/** Of a region, or of the word for all of a partition's. */
export function partitionOf(region: string): PartitionName | undefined {
  return (
    partitionOfRegion.get(region) ??
    partitionNames.find((name) => partitions[name].everywhere === region)
  )
}
