/** The little of oidc-provider that the bench uses; the package brings no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'
  class Provider {
    constructor(issuer: string, configuration: object)
    callback(): RequestListener
  }
  export default Provider
}
