/** The services' own models, where they are at hand: an independent account of what the catalogue was compiled from. */
import { existsSync } from 'node:fs'
import { readModel, type Model } from '../../../src/provider/aws/model.ts'
import { services, type ServiceName } from '../../../src/provider/aws/hosts.ts'

const folder = new URL('../../../../shared/specs/aws/', import.meta.url)

export const serviceNames = Object.keys(services) as readonly ServiceName[]

/** What to say to `it` where the models are not there. */
export const withoutModels = existsSync(folder) ? false : '../shared/specs/aws is not there'

export function modelOf(service: ServiceName): Model {
  return readModel(new URL(`${service}.json.gz`, folder))
}
