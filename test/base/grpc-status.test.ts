import { status } from '@grpc/grpc-js';
import t from 'tap';
import { grpcStatus } from '../../src/base/grpc-status.ts';

t.test('every code has the number that grpc-js gives it', (t) => {
  const codes = Object.entries(grpcStatus);
  t.not(codes.length, 0);
  for (const [name, number] of codes) t.equal(status[number], name);
  t.end();
});
