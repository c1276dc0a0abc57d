/** `npm run openapi`: writes openapi.yaml anew. */
import { writeFileSync } from 'node:fs'
import { openapiYaml } from '../../src/openapi.ts'
import { openTestBroker } from './broker.ts'

const broker = await openTestBroker(undefined)
writeFileSync(new URL('../../openapi.yaml', import.meta.url), openapiYaml(broker.broker.app))
await broker.close()
