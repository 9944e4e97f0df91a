/** The proof over gRPC, in servers of both grpc-js versions that services have. */
import * as newest from '@grpc/grpc-js';
import * as previous from 'grpc-js-previous';
import { test, type Test } from 'tap';
import { identityDefinition } from '../../src/base/challenge.ts';
import { GrpcIdentity } from '../../src/client/grpc-identity.ts';
import { disco } from '../../src/gen/identity.js';

type Ask = (request: disco.v1.ChallengeRequest.$Properties) => Promise<string>;

const as = { group: 'math', name: 'add', instanceId: 'a', ip: '127.0.0.1', port: 5001 };
const asked = { nonce: new Uint8Array(32), owner: '12D3', group: 'math', name: 'add' };

/** Answers the length of the signature, or the status and its words. */
function askAt(t: Test, port: number): Ask {
  const client = new newest.Client(`127.0.0.1:${port}`, newest.credentials.createInsecure());
  t.teardown(() => client.close());
  const { path, requestSerialize, responseDeserialize } = identityDefinition.Challenge;
  return (request) =>
    new Promise((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        (error, answer) =>
          resolve(
            error === null
              ? String(answer?.signature.length)
              : `${newest.status[error.code]}: ${error.details}`,
          ),
      );
    });
}

for (const [say, grpc] of [
  ['the newest', newest],
  ['the previous', previous as unknown as typeof newest],
] as const)
  test(`one line makes a server of ${say} grpc-js answer`, async (t) => {
    const identity = new GrpcIdentity();
    const server = new grpc.Server();
    server.addService(...identity.service);
    t.teardown(() => server.forceShutdown());
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const ask = askAt(t, port);
    const instance = { ...asked, instanceId: 'a' };
    const refused = 'NOT_FOUND: this process is not registered as that instance';
    t.equal(await ask(instance), refused);
    identity.begin()(as);
    t.equal(await ask(instance), '64');
    t.equal(await ask({ ...instance, instanceId: 'b' }), refused);
    const malformed = 'INVALID_ARGUMENT: expected a nonce of 16 to 64 bytes and a peer id';
    t.equal(await ask({ ...instance, nonce: new Uint8Array() }), malformed);
    t.equal(await ask({}), malformed);
  });

test('what is not settled is unavailable, so that it is asked again', async (t) => {
  const identity = new GrpcIdentity();
  const settle = identity.begin();
  const challenge = { ...asked, instance: 'math/add/a' };
  const waiting = Array.from({ length: 64 }, () => identity.answer(challenge));
  const request = disco.v1.ChallengeRequest.decode(
    disco.v1.ChallengeRequest.encode({ ...asked, instanceId: 'a' }).finish(),
  );
  const refusal = await new Promise((resolve) =>
    identity.service[1].Challenge({ request }, resolve),
  );
  t.strictSame(refusal, {
    code: newest.status.UNAVAILABLE,
    details: 'it is being registered',
  });
  settle(as);
  await Promise.all(waiting);
});

test('its check asks over gRPC', async (t) => {
  t.strictSame(new GrpcIdentity({ intervalMs: 1_000 }).check, {
    kind: 'identity',
    path: '',
    intervalMs: 1_000,
  });
});
