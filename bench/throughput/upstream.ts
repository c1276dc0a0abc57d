/** The provider's stand-in for the bench: answers every request alike, as fast as Node can. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

const answer = Buffer.from(
  JSON.stringify({
    data: { environment: { id: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a03', name: 'staging' } },
  }),
)
const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
    response.end(answer)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${String(port)}` })
})
process.on('disconnect', () => process.exit(0))
