/**
 * Fastify's own compilers of schemas, asked when a schema is first needed, and once in a process. Guarantees: requests
 * are validated and answers written as Fastify's defaults would, with the options below; a schema that did not compile
 * would fail every request to its route. There are some hundreds of schemas, and to compile them all is most of what a
 * start costs, while most programs' brokers are asked a handful.
 */
import ajv from '@fastify/ajv-compiler'
import fastJsonStringify from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import { Problem } from './schemas.ts'

/** What the routes' schemas refer to. */
const shared = { Problem }

const ajvOptions = {
  // Ajv's defaults in Fastify drop what they do not know and turn strings into numbers: both hide mistakes.
  customOptions: {
    removeAdditional: false,
    coerceTypes: false,
    useDefaults: false,
    allErrors: false,
    strict: true,
    discriminator: true,
  },
} as const

type Validate = ReturnType<FastifySchemaCompiler<object>>
type Serialize = ReturnType<FastifySerializerCompiler<object>>

const validators = new WeakMap<object, Validate>()
const serializers = new WeakMap<object, Serialize>()
let compileValidator: ReturnType<ReturnType<typeof ajv>> | undefined

export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema }) => {
  const known = validators.get(schema)
  if (known !== undefined) return known
  let compiled: Validate | undefined
  const validate: Validate = (data) => {
    compiled ??= compiledValidator(schema)
    const valid = compiled(data)
    // Fastify looks for them on the function it was given.
    validate.errors = compiled.errors ?? null
    return valid
  }
  validators.set(schema, validate)
  return validate
}

export const serializerCompiler: FastifySerializerCompiler<object> = ({ schema }) => {
  const known = serializers.get(schema)
  if (known !== undefined) return known
  let compiled: Serialize | undefined
  const serialize: Serialize = (data) => (compiled ??= compiledSerializer(schema))(data)
  serializers.set(schema, serialize)
  return serialize
}

export function compiledValidator(schema: object): Validate {
  compileValidator ??= ajv()(shared, ajvOptions)
  return compileValidator({ schema }) as Validate
}

export function compiledSerializer(schema: object): Serialize {
  // A compiler of its own for each: one that has met a schema with an `$id` no longer resolves references to it.
  return fastJsonStringify()(shared)({ schema, method: '', url: '', httpStatus: '' })
}
