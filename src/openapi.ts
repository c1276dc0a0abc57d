/** `openapi.yaml`, written from the schemas that stand beside the routes; a test fails where the two differ. */
import { stringify } from 'yaml'
import type { App } from './app.ts'

/** The document, as it is committed. The app must be ready. */
export function openapiYaml(app: App): string {
  const document: unknown = JSON.parse(JSON.stringify(app.swagger()))
  return `# Written by \`npm run openapi\`. Change the schemas beside the routes instead.\n${stringify(document, { lineWidth: 110, aliasDuplicateObjects: false })}`
}
