/**
 * The grpc check: grpc.health.v1.Health/Check answers SERVING, asked over a connection of its own.
 */
import * as grpc from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { isIP, isIPv6 } from 'node:net';
import { outputCharsMax } from '../registry/check-state.ts';
import type { CheckOutcome } from '../registry/check-state.ts';
import { resolved } from './guarded-lookup.ts';
import type { AskTarget, CheckTarget } from './target.ts';

interface Answer {
  readonly status: string;
}

const method = healthService['Check'] as grpc.MethodDefinition<{ service: string }, Answer>;

const options: grpc.ClientOptions = {
  'grpc.enable_channelz': 0,
  // The instance's own address, whatever the environment says of proxies.
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': 16 * outputCharsMax,
};

export const askGrpc: AskTarget = async (target, check, signal) => {
  const request = { service: check.path };
  const { error, answer } = await callOnce(target, check.tls, method, request, signal);
  return error === null ? outcomeOf(answer) : refusalOf(error);
};

/** What a client needs to know of a method. */
type CalledMethod<Request, Answer> = Pick<
  grpc.MethodDefinition<Request, Answer>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>;

/** An answer, or the status that came in its stead. */
export interface GrpcAnswer<Answer> {
  readonly error: grpc.ServiceError | null;
  readonly answer: Answer | undefined;
}

/**
 * One call over a connection of its own, of a name to its first address that takes one. Rejects with
 * the signal's reason when that ended it, and as a lookup does.
 */
export async function callOnce<Request, Answer>(
  { ip, port }: CheckTarget,
  tls: boolean,
  method: CalledMethod<Request, Answer>,
  request: Request,
  signal: AbortSignal,
): Promise<GrpcAnswer<Answer>> {
  signal.throwIfAborted();
  const isName = isIP(ip) === 0;
  const named: grpc.ClientOptions = isName ? { 'grpc.default_authority': `${ip}:${port}` } : {};
  // RFC 6066 knows no addresses as names of servers, and grpc-js has no way to send none.
  const tlsName = { 'grpc.ssl_target_name_override': isName ? ip : 'localhost' };
  const all = { ...options, ...named, ...(tls && tlsName) };
  const [first = ip, ...others] = isName ? await resolved(ip, signal) : [ip];
  let answer = await callAt(first, port, tls, all, method, request, signal);
  for (const address of others) {
    if (answer.error?.code !== grpc.status.UNAVAILABLE) break;
    answer = await callAt(address, port, tls, all, method, request, signal);
  }
  return answer;
}

async function callAt<Request, Answer>(
  address: string,
  port: number,
  tls: boolean,
  settings: grpc.ClientOptions,
  method: CalledMethod<Request, Answer>,
  request: Request,
  signal: AbortSignal,
): Promise<GrpcAnswer<Answer>> {
  const credentials = tls
    ? // It finds out whether the instance serves, not who it is.
      grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false })
    : grpc.credentials.createInsecure();
  const client = new grpc.Client(grpcTarget(address, port), credentials, settings);
  try {
    return await call(client, method, request, signal);
  } finally {
    client.close();
  }
}

function call<Request, Answer>(
  client: grpc.Client,
  method: CalledMethod<Request, Answer>,
  request: Request,
  signal: AbortSignal,
): Promise<GrpcAnswer<Answer>> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const running = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (signal.aborted) reject(signal.reason as Error);
        else resolve({ error, answer });
      },
    );
    const cancel = (): void => running.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

function outcomeOf(answer: Answer | undefined): CheckOutcome {
  const status = answer?.status ?? 'no answer';
  return { hasPassed: status === 'SERVING', output: status };
}

function refusalOf({ code, details }: grpc.ServiceError): CheckOutcome {
  const hint =
    code === grpc.status.UNIMPLEMENTED ? ' (the server does not serve grpc.health.v1.Health)' : '';
  return { hasPassed: false, output: `${grpc.status[code]}${hint}: ${details}` };
}

function grpcTarget(ip: string, port: number): string {
  return isIPv6(ip) ? `ipv6:[${ip}]:${port}` : `ipv4:${ip}:${port}`;
}
