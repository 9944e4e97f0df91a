/** The document at /openapi.json. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import t from 'tap';
import { Http } from './http-fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: object;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

async function fetchDocument(http: Http): Promise<Document> {
  return (await http.ask('/openapi.json')).body as Document;
}

async function lint(document: unknown): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const source = JSON.stringify(document);
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
  return problems.map(
    ({ ruleId, message, location }) =>
      `${ruleId}: ${message} (${location.map(({ pointer }) => pointer).join(' ')})`,
  );
}

t.test('the document is sound, as a linter sees it that finds what is not', async (t) => {
  const document = await fetchDocument(await Http.start(t));
  t.strictSame(await lint(document), []);
  const { paths } = document;
  const broken = { ...document, paths: { ...paths, '/v1/a': { get: { responses: {} } } } };
  t.not((await lint(broken)).length, 0);
});

t.test('the document tells of every operation, and of nothing else', async (t) => {
  const http = await Http.start(t);
  const document = await fetchDocument(http);
  t.match(document, { openapi: '3.1.0', info: { title: 'disco', version: '0.1.0' } });
  const told = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(
      ([method, { operationId }]) => `${method} ${path} ${operationId}`,
    ),
  );
  t.strictSame(told.toSorted(), [
    'get /v1/members members',
    'get /v1/members/watch watchMembers',
    'get /v1/prometheus/targets prometheusTargets',
    'get /v1/services list',
    'get /v1/services/{group} listByGroup',
    'get /v1/services/{group}/{name} listByService',
    'get /v1/services/{group}/{name}/get get',
    'get /v1/status status',
    'get /v1/watch watch',
    'post /v1/deregister deregister',
    'post /v1/forceLeave forceLeave',
    'post /v1/gossip gossip',
    'post /v1/heartbeat heartbeat',
    'post /v1/leave leave',
    'post /v1/register register',
    'post /v1/setLogLevels setLogLevels',
    'post /v1/setMaintenance setMaintenance',
  ]);
});

t.test(
  'an operation says what it is asked, and what it answers also when it refuses',
  async (t) => {
    const { paths, components } = await fetchDocument(await Http.start(t));
    const get = (path: string, method = 'get'): Operation => {
      const found = paths[path]?.[method];
      if (found === undefined) throw new Error(`the document has no ${method} ${path}`);
      return found;
    };
    const names = (path: string): string[] =>
      (get(path).parameters ?? []).map((each) => `${each.in} ${each.name}`).sort();
    t.strictSame(names('/v1/services/{group}/{name}/get'), [
      'path group',
      'path name',
      'query maxStaleMs',
      'query policy',
      'query staleOk',
    ]);
    t.ok(names('/v1/watch').some((name) => /last-event-id/i.test(name)));
    t.ok(names('/v1/services').some((name) => /if-none-match/i.test(name)));
    t.strictSame(get('/v1/register', 'post').requestBody, {
      required: true,
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/Registration' } },
      },
    });
    t.match(components.schemas['Registration'], {
      required: ['group', 'name'],
      additionalProperties: false,
    });
    for (const [path, operations] of Object.entries(paths))
      for (const { responses } of Object.values(operations)) {
        t.ok(responses['200']?.content, path);
        for (const refused of ['4XX', '5XX'])
          t.strictSame(responses[refused]?.content, {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          });
      }
    t.strictSame(Object.keys(get('/v1/watch').responses['200']?.content ?? {}), [
      'text/event-stream',
    ]);
  },
);
