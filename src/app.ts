/**
 * The service, register by register. Three realms, each with its own door: operators under /v1, agents under /oauth,
 * and the proxy under /proxy. What is registered inside a realm cannot be reached past its authentication hook.
 */
import http from 'node:http'
import https from 'node:https'
import { readFileSync } from 'node:fs'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import swagger from '@fastify/swagger'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify'
import { adminEntry, authenticateOperator, operatorAuth } from './http/operator-auth.ts'
import { accessAnswerRoutes } from './http/admin/access-answer.ts'
import { accessRequestRoutes } from './http/admin/access-request.ts'
import { agentRoutes } from './http/admin/agent.ts'
import { approvalDecisionRoutes } from './http/admin/approval-decision.ts'
import { approvalRoutes } from './http/admin/approval.ts'
import { auditRoutes } from './http/admin/audit.ts'
import { credentialRoutes } from './http/admin/credential.ts'
import { environmentRoutes } from './http/admin/environment.ts'
import { freezeRoutes } from './http/admin/freeze.ts'
import { grantReviewRoutes } from './http/admin/grant-review.ts'
import { grantRoutes } from './http/admin/grant.ts'
import { leaseRoutes } from './http/admin/lease.ts'
import { oneTimeCodeRoutes } from './http/admin/one-time-code.ts'
import { operatorRoutes } from './http/admin/operator.ts'
import { passkeyPermitRoutes } from './http/admin/passkey-permit.ts'
import { passkeyRoutes } from './http/admin/passkey.ts'
import { presenceRoutes } from './http/admin/presence.ts'
import { breakGlassRoutes } from './http/admin/break-glass.ts'
import { providerRoutes } from './http/admin/provider.ts'
import { selfRoutes, signInRoutes } from './http/admin/sign-in.ts'
import { trustIssuerRoutes } from './http/admin/trust-issuer.ts'
import { trustRuleRoutes } from './http/admin/trust-rule.ts'
import { ownAccessRequestRoutes } from './http/agent/access-request.ts'
import { ownApprovalRoutes } from './http/agent/approval.ts'
import { ownLeaseRoutes } from './http/agent/lease.ts'
import { metadataRoutes } from './http/agent/metadata.ts'
import { oauthRoutes } from './http/agent/oauth.ts'
import { protectedResourceRoutes } from './http/agent/protected-resource.ts'
import { consoleDoorRoutes } from './http/console/door.ts'
import { consoleRoutes } from './http/console/routes.ts'
import type { Deps } from './http/deps.ts'
import { signInCodeRoutes } from './http/identity/code.ts'
import { identityPages } from './http/identity/pages.ts'
import { sendProblem, toProblem, unreadable } from './http/error.ts'
import { healthRoutes } from './http/health.ts'
import { createHostCheck, providerHosts } from './http/host.ts'
import { proxyRoutes } from './http/proxy.ts'
import type { App } from './http/realm.ts'
import { serializerCompiler, validatorCompiler } from './http/schema-compilers.ts'
import { Problem as ProblemSchema } from './http/schemas.ts'
import { parseJson } from './core/json.ts'
import { newId } from './ids.ts'
import { Problem, problems } from './problem.ts'

export type { App } from './http/realm.ts'

const version = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
).version

export type AppOptions = {
  readonly logger: FastifyBaseLogger | undefined
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined
}

export async function buildApp(deps: Deps, options: AppOptions): Promise<App> {
  const hosts = providerHosts(deps)
  const app = Fastify<http.Server>({
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    // One server type for both: Fastify's overloads cannot be told apart by a condition.
    serverFactory: (handler: http.RequestListener) =>
      options.tls === undefined
        ? http.createServer(serverOptions, handler)
        : https.createServer({ ...serverOptions, ...options.tls }, handler),
    // A request is logged by the audit, with what matters about it; a line more for each would say less for more.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId('correlation'),
    // Headers that clients set must not become our correlation ids.
    requestIdHeader: false,
    bodyLimit: 1_048_576,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 8_192, ignoreTrailingSlash: false, caseSensitive: true },
    // Whatever is the proxy's goes to one constant route: the router must not decode what a provider will decode anew.
    rewriteUrl(request) {
      const { url = '/', headers } = request
      const proxied =
        url.startsWith('/proxy/') || !url.startsWith('/') || hosts.has(headers.host ?? '')
      return proxied ? '/proxy' : url
    },
    // Fastify's own 404 for a path it cannot decode comes here; without this it would be text of its own form.
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, toProblem(error, request), request.id)
    },
    // What Node's parser refuses never becomes a request; it is told so in the same form as everyone (I7).
    clientErrorHandler(error, socket) {
      // Where an earlier request is still being answered, what is written here would be taken for its answer: a write
      // that was done would look refused, and be sent again. Node's own handler looks at the same field.
      const answering = Reflect.get(socket, '_httpMessage') != null
      if (!answering && socket.writable && error.code !== 'ECONNRESET') {
        socket.write(unreadable(error.code))
      }
      socket.destroy()
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Every method that Node parses reaches our own refusal, in our own form, and with its audit entry.
  for (const method of http.METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  }

  // Text is what a page of another origin may send without asking first: no route reads it.
  app.removeContentTypeParser('text/plain')
  // The same JSON as everywhere: no key twice, no half of a character, nothing that would come back changed.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const parsed = parseJson(Buffer.from(body))
    if (parsed.ok) done(null, parsed.value)
    else
      done(
        new Problem('invalid_request', `the body is not JSON that can be read: ${parsed.detail}`),
      )
  })
  app.addSchema(ProblemSchema)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error, request)
    return sendProblem(reply, await recorded(deps, request, problem), request.id)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new Problem('not_found', 'the API is described in openapi.yaml'),
      request.id,
    ),
  )
  app.addHook('onRequest', createHostCheck(deps))
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
    done()
  })
  // Draining: a connection that has been answered is closed, so that one kept alive does not hold up the end.
  let draining: NodeJS.Timeout | undefined
  app.addHook('preClose', (done) => {
    draining = setInterval(() => app.server.closeIdleConnections(), 50)
    done()
  })
  app.addHook('onClose', (_app, done) => {
    clearInterval(draining)
    done()
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Valetkey',
        version,
        description: 'The broker between AI agents and the APIs they act on.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: 'http://localhost:8474' }],
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, i) =>
        typeof schema.$id === 'string' ? schema.$id : `schema-${String(i)}`,
    },
  })

  await app.register(realm((plain) => healthRoutes(plain, deps)))
  await app.register(realm((agents) => oauthRoutes(agents, deps)))
  await app.register(realm((agents) => ownAccessRequestRoutes(agents, deps)))
  await app.register(realm((agents) => ownApprovalRoutes(agents, deps)))
  await app.register(realm((agents) => ownLeaseRoutes(agents, deps)))
  await app.register(realm((plain) => metadataRoutes(plain, deps)))
  await app.register(realm((plain) => protectedResourceRoutes(plain, deps)))
  await app.register(async (operators) => {
    operators.addHook('onRequest', unsealed(deps))
    await operators.register(operatorAuth, { deps })
    await operators.register(realm((door) => signInRoutes(door, deps)))
    await operators.register(realm((door) => signInCodeRoutes(door, deps)))
    await operators.register(realm((door) => identityPages(door, deps)))
    await operators.register(realm((door) => consoleDoorRoutes(door, deps)))
    await operators.register(realm((pages) => consoleRoutes(pages, deps)))
    await operators.register(
      realm((inside) => {
        inside.addHook('onRequest', authenticateOperator(deps))
        selfRoutes(inside, deps)
        operatorRoutes(inside, deps)
        environmentRoutes(inside, deps)
        agentRoutes(inside, deps)
        credentialRoutes(inside, deps)
        grantRoutes(inside, deps)
        grantReviewRoutes(inside, deps)
        leaseRoutes(inside, deps)
        accessRequestRoutes(inside, deps)
        accessAnswerRoutes(inside, deps)
        trustIssuerRoutes(inside, deps)
        trustRuleRoutes(inside, deps)
        freezeRoutes(inside, deps)
        auditRoutes(inside, deps)
        providerRoutes(inside, deps)
        passkeyRoutes(inside, deps)
        passkeyPermitRoutes(inside, deps)
        presenceRoutes(inside, deps)
        breakGlassRoutes(inside, deps)
        oneTimeCodeRoutes(inside, deps)
        approvalRoutes(inside, deps)
        approvalDecisionRoutes(inside, deps)
      }),
    )
  })
  await app.register(realm((proxy) => proxyRoutes(proxy, deps)))
  return app
}

function realm(routes: (app: App) => void) {
  return (instance: FastifyInstance): Promise<void> => {
    routes(instance.withTypeProvider<TypeBoxTypeProvider>())
    return Promise.resolve()
  }
}

/** A sealed broker answers health and unseal only. */
function unsealed(deps: Deps) {
  return (): Promise<void> => {
    if (deps.keyring() === undefined)
      throw new Problem('sealed', 'give the passphrase first: valetkey unseal')
    return Promise.resolve()
  }
}

/** I2: no authenticated operator is refused without an entry. Where it cannot be written, they are told so instead. */
async function recorded(deps: Deps, request: FastifyRequest, problem: Problem): Promise<Problem> {
  if (request.signedIn === undefined || problems[problem.code].status >= 500) return problem
  try {
    await deps.audit.append(adminEntry(deps, request, { result: 'refused', reason: problem.code }))
    return problem
  } catch {
    return new Problem(
      'unavailable',
      'the audit log cannot be written, and nothing is done without a record of it',
    )
  }
}

/**
 * Node's own limits, all of them stated. Node drops header fields beyond `maxHeadersCount` without a word: none is set,
 * and the proxy refuses by count instead.
 */
export const serverOptions = {
  maxHeaderSize: 32_768,
  // Longer than the idle time of the proxies people put in front, so that none of them meets a closing socket.
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  insecureHTTPParser: false,
  requireHostHeader: true,
  joinDuplicateHeaders: false,
  rejectNonStandardBodyWrites: true,
} satisfies http.ServerOptions
