/** The request that is measured: a GraphQL read, 120 bytes of body. */
export const environment = '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a03'
export const body = JSON.stringify({
  query: `query BenchRead { environment(id: "${environment}") { id name createdAt } }`,
})
export const path = '/proxy/railway/graphql/v2'
