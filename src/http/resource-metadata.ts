/** Where the proxy describes itself as a protected resource (RFC 9728 §3.1). */
export const resourceMetadataPath = '/.well-known/oauth-protected-resource'

/** RFC 9728 §5.1: the parameter of a challenge that leads whoever was refused to where capabilities are issued. */
export function resourceMetadata(publicUrl: string): string {
  return `resource_metadata="${publicUrl}${resourceMetadataPath}"`
}
