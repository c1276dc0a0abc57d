/** Amazon's resource names: `arn:<partition>:<service>:<region>:<account>:<resource>`. */

export type Arn = {
  /** `aws`, `aws-cn` …: names of other partitions are other things, whatever else they say. */
  readonly partition: string
  readonly service: string
  /** Empty where the resource has none. */
  readonly region: string
  /** Empty for buckets; `aws` for what Amazon itself owns. */
  readonly account: string
  readonly resource: string
}

const form =
  /^arn:(aws[a-z-]{0,20}):([a-z0-9-]{1,40}):([a-z0-9-]{0,40}):([0-9]{12}|aws|):([\x21-\x7e]{1,1000})$/

/** Undefined for what is none, and for one with a wildcard. */
export function readArn(text: string): Arn | undefined {
  const [, partition = '', service, region = '', account = '', resource] = form.exec(text) ?? []
  if (service === undefined || resource === undefined || /[*?]/.test(resource)) return undefined
  return { partition, service, region, account, resource }
}

/** `table/Orders/index/by-date` is of the table Orders. */
export function tableOf({ service, resource }: Arn): string | undefined {
  return service === 'dynamodb'
    ? /^table\/([A-Za-z0-9_.-]{3,255})(?:\/|$)/.exec(resource)?.[1]
    : undefined
}
