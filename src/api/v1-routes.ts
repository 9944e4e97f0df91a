/**
 * The routes of /v1: what every operation has in common, and the document that tells of them.
 *
 * The schemas that check a request are the ones that /openapi.json is made of.
 */
import compress from '@fastify/compress';
import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { constants } from 'node:zlib';
import { DiscoError } from '../base/error.ts';
import { sendTagged } from './entity-tag.ts';
import { named, text, uint64 } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';
import { openApiOptions } from './open-api.ts';
import { readQuery, schemaFault } from './schema-fault.ts';
import { answerSchemas } from './v1-answers.ts';
import { v1Operations } from './v1-operations.ts';
import type { Operation, V1Parts } from './v1-operations.ts';
import { queries, requestSchemas } from './v1-requests.ts';
import { quote } from './validate.ts';

/** Shorter answers are sent as they are. */
const gzipBytesMin = 1_024;
const gzipSyncBytesMax = 32 * 1_024;
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Adds routes to a part of the server that has gzip; a route with `schema.tags` is documented. */
export type RouteAdder = (app: FastifyInstance) => void;

/** @param more routes that are not of this API, such as those of metrics */
export async function addV1Routes(
  app: FastifyInstance,
  parts: V1Parts,
  more: readonly RouteAdder[],
): Promise<void> {
  await app.register(swagger, openApiOptions(parts.service.control.describe().version));
  await app.register(compress, {
    encodings: ['gzip'],
    threshold: gzipBytesMin,
    // What is larger is packed by a thread.
    syncThreshold: gzipSyncBytesMax,
    zlibOptions: { level: constants.Z_BEST_SPEED },
    // A body that grows when it is unpacked would pass the bound.
    globalDecompression: false,
  });
  for (const [name, schema] of Object.entries({ ...requestSchemas, ...answerSchemas }))
    app.addSchema({ $id: name, ...schema });
  app.setSchemaErrorFormatter((complaints, part) => schemaFault(complaints, part));
  // The schemas of answers are for those who read the document.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  const operations = v1Operations(parts);
  for (const operation of operations) addOperation(app, operation);
  for (const url of new Set(operations.map((operation) => operation.url)))
    refuseOthers(
      app,
      url,
      operations.filter((operation) => operation.url === url),
    );
  app.get('/openapi.json', { schema: { hide: true } }, (request, reply) =>
    sendTagged(request, reply, app.swagger()),
  );
  for (const add of more) add(app);
}

function addOperation(app: FastifyInstance, operation: Operation): void {
  const { method, url, run } = operation;
  const query = operation.querystring ?? queries.none;
  app.route({
    method,
    url,
    schema: schemaOf(operation, query),
    exposeHeadRoute: operation.isStream !== true,
    onRequest: (_request, reply, next) => {
      void reply.header('cache-control', 'no-store');
      next();
    },
    preValidation: (request, _reply, next) => {
      request.query = readQuery(query, request.query as Record<string, unknown>);
      next();
    },
    handler: run,
  });
}

function schemaOf(operation: Operation, querystring: JsonSchema): FastifySchema {
  const { id, tag, summary, params, body, isList, isStream } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    querystring,
    ...(params !== undefined && { params }),
    ...(body !== undefined && { body }),
    ...(isStream === true && id === 'watch' && { headers: resumption }),
    ...(isList === true && { headers: condition }),
    response: responsesOf(operation),
  };
}

const resumption: JsonSchema = {
  type: 'object',
  properties: { 'Last-Event-ID': text('Id of the last event seen; goes before the cursor.') },
};

const condition: JsonSchema = {
  type: 'object',
  properties: { 'If-None-Match': text('The ETag of an answer: 304 when it still holds.') },
};

const listHeaders: JsonSchema = {
  etag: text('Of the content.'),
  'disco-since-reconcile-ms': uint64(
    'Since this node last compared itself with a peer; absent before the first time.',
  ),
};

function responsesOf({ answer, summary, isList, isStream }: Operation): JsonSchema {
  const type = isStream === true ? 'text/event-stream' : 'application/json';
  const problem = {
    description: 'What is wrong, and what to do.',
    content: { 'application/problem+json': { schema: named('Problem') } },
  };
  return {
    200: {
      description: `${summary}.`,
      content: { [type]: { schema: named(answer) } },
      ...(isList === true && { headers: listHeaders }),
    },
    ...(isList === true && { 304: { description: 'As it was.', type: 'null' } }),
    '4xx': problem,
    '5xx': problem,
  };
}

/** A path that is known, asked in a way that it is not: not nothing, and what there is. */
function refuseOthers(app: FastifyInstance, url: string, operations: readonly Operation[]): void {
  const known = operations.map(({ method }) => method as string);
  const hasHead = operations.some(({ method, isStream }) => method === 'GET' && isStream !== true);
  const allowed = [...known, ...(hasHead ? ['HEAD'] : [])];
  app.route({
    method: methods.filter((method) => !allowed.includes(method)),
    url,
    schema: { hide: true },
    exposeHeadRoute: false,
    // Before anybody looks at a body.
    onRequest: (request, reply, next) => {
      void reply.header('allow', allowed.join(', '));
      const sentence = `${request.method} is nothing that can be done with ${quote(request.url)}: use ${known.join(' or ')}`;
      next(new DiscoError('INVALID_ARGUMENT', 'METHOD_NOT_ALLOWED', sentence));
    },
    handler: () => undefined,
  });
}
