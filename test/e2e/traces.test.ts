/** One evaluated expression is one trace, over real processes and into a collector. */
import { test, type Test } from 'tap';
import { BinProcess } from '../services/bin-process.ts';
import { operations } from '../../src/services/operation.ts';
import { Cluster, eventually, patienceMs } from './cluster.ts';
import { ancestry, kinds, OtlpReceiver, type CollectedSpan } from './otlp-receiver.ts';

const expression = '(2 + 3) * 4 / 5 - 1';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${callerId}-01`;

interface Lab {
  readonly receiver: OtlpReceiver;
  readonly env: Readonly<Record<string, string>>;
  /** How to find the daemon over gRPC, and where over HTTP. */
  readonly addr: readonly string[];
  readonly http: string;
}

/** A daemon, the four services, and a collector that all of them tell. */
async function setUp(t: Test): Promise<Lab> {
  const receiver = await OtlpReceiver.start(t);
  const env = receiver.environment;
  const cluster = new Cluster(t);
  const places = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock', '--http', '127.0.0.1:0'];
  const start = ['start', '--data-dir', cluster.path('one'), '--seeds', 'none', ...places];
  const daemon = cluster.run([...start, '--log-format', 'json'], { env });
  const { http } = await daemon.logged(({ msg }) => msg === 'started', patienceMs);
  await daemon.logged(({ msg }) => msg === 'ready', patienceMs);
  const addr = ['--addr', `unix:${cluster.path('one', 'disco.sock')}`];
  for (const operation of operations) {
    const service = new BinProcess(t, 'math-service.js', [operation, ...addr], env);
    await service.firstLine;
  }
  return { receiver, env, addr, http: String(http) };
}

/** The span of the service that computed it. */
function servedFor(operation: string, spans: readonly CollectedSpan[]): CollectedSpan | undefined {
  return spans.find(({ service }) => service === `math-${operation}`);
}

/** Resolves when every operation's span has come, and all above it up to the one that began it. */
async function collected(receiver: OtlpReceiver, id: string, parentId: string): Promise<void> {
  await eventually('all spans have come', () => {
    const spans = receiver.trace(id);
    return operations.every((operation) => {
      const span = servedFor(operation, spans);
      return span !== undefined && ancestry(span, spans).at(-1)?.parentId === parentId;
    });
  });
}

/** Each operation is computed in the trace, by its own service, for whom began it. */
function checkOperations(t: Test, spans: readonly CollectedSpan[], root: CollectedSpan): void {
  for (const operation of operations) {
    const span = servedFor(operation, spans);
    if (span === undefined) {
      t.fail(`${operation} was not computed in the trace`);
      continue;
    }
    const [, call] = ancestry(span, spans);
    t.match(span, { name: 'math.v1.Operation/Apply', kind: kinds.server });
    t.match(call, { service: 'entrypoint', name: 'math.v1.Operation/Apply', kind: kinds.client });
    const rpc = { 'rpc.system': 'grpc', 'rpc.service': 'math.v1.Operation', 'rpc.method': 'Apply' };
    t.match(span.attributes, { ...rpc, 'rpc.grpc.status_code': 0 });
    t.match(call?.attributes, { ...rpc, 'server.address': '127.0.0.1', 'server.port': Number });
    t.ok(ancestry(span, spans).includes(root), `${operation} was asked for by whom began`);
  }
}

/** The processes that all of these share: starting them takes longer than all else. */
test('an evaluated expression is one trace', async (t) => {
  const lab = await setUp(t);
  await t.test('over HTTP it is that of its caller', (sub) => overHttp(sub, lab));
  await t.test('once it is one of its own, sent before the end', (sub) => evaluatedOnce(sub, lab));
  await t.test('a collector that is away, or none, harms nobody', (sub) => uncollected(sub, lab));
});

async function overHttp(t: Test, { receiver, env, addr, http }: Lab): Promise<void> {
  const entrypoint = new BinProcess(t, 'entrypoint.js', addr, env);
  const [, url] = /HTTP on (\S+),/.exec(await entrypoint.firstLine) ?? [];
  const query = new URLSearchParams({ expression });
  const headers = { traceparent };
  await eventually('the entrypoint knows the services', async () => {
    const response = await fetch(`http://${url}/evaluate?${query.toString()}`);
    return response.ok;
  });
  const response = await fetch(`http://${url}/evaluate?${query.toString()}`, { headers });
  t.match(await response.json(), { value: 3 });
  await collected(receiver, traceId, callerId);
  const spans = receiver.trace(traceId);
  const root = spans.find(({ parentId }) => parentId === callerId);
  t.match(root, { service: 'entrypoint', name: 'GET /evaluate', kind: kinds.server });
  t.match(root?.attributes, { 'http.route': '/evaluate', 'http.response.status_code': 200 });
  if (root !== undefined) checkOperations(t, spans, root);

  await fetch(`http://${http}/registry/list`, { headers });
  await fetch(`http://${http}/registry/list`);
  await eventually('the daemon goes on with the trace', () =>
    receiver.trace(traceId).some(({ service }) => service === 'disco'),
  );
  const own = receiver.spans.filter(({ service }) => service === 'disco');
  t.strictSame(
    own.map((span) => [span.traceId, span.name]),
    [[traceId, 'GET /registry/list']],
    'and begins none: neither for requests, nor for registrations and watches',
  );
}

async function evaluatedOnce(t: Test, { receiver, env, addr }: Lab): Promise<void> {
  const once = new BinProcess(t, 'entrypoint.js', [...addr, '--eval', expression], env);
  t.match(await once.ended(), { code: 0, stdout: `${expression} = 3\n` });
  const roots = receiver.spans.filter(({ name }) => name === 'evaluate');
  t.equal(roots.length, 1);
  const [root] = roots;
  if (root === undefined) return;
  t.match(root, { service: 'entrypoint', kind: kinds.internal, parentId: '' });
  await collected(receiver, root.traceId, '');
  checkOperations(t, receiver.trace(root.traceId), root);
}

async function uncollected(t: Test, { addr }: Lab): Promise<void> {
  const nobody = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  const args = [...addr, '--eval', expression];
  const lonely = await new BinProcess(t, 'entrypoint.js', args, nobody).ended();
  t.match(lonely, { code: 0, stdout: `${expression} = 3\n` });
  const off = await new BinProcess(t, 'entrypoint.js', args).ended();
  t.strictSame(off, { code: 0, stdout: `${expression} = 3\n`, stderr: '' });
}
