import t from 'tap';
import { addressInUse, listenError } from '../../src/api/listen-error.ts';

const http = { name: 'HTTP', flag: '--http', isOptional: true };
const grpc = { name: 'gRPC', flag: '--grpc', isOptional: false };
const address = '10.0.0.5:80';

t.test('an address that is taken names the flag, and off where a door may be', (t) => {
  const taken = Object.assign(new Error('no'), { code: 'EADDRINUSE' });
  const rest = 'is in use by another process: stop that one, or give another';
  t.match(listenError(http, address, taken), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: `the HTTP address ${address} ${rest} --http (port 0 picks a free one, off for none)`,
  });
  const message = `the gRPC address ${address} ${rest} --grpc (port 0 picks a free one)`;
  t.match(listenError(grpc, address, new Error('bind EADDRINUSE')), { message });
  t.match(addressInUse(grpc, address), { reason: 'PORT_IN_USE', message });
  t.end();
});

t.test('what else is wrong is told in the words of the system', (t) => {
  const error = new Error('EACCES');
  t.match(listenError({ ...http, hint: 'mind the privilege' }, address, error), {
    reason: 'ADDRESS_UNAVAILABLE',
    message: `cannot listen for HTTP on ${address} (EACCES): give an address of this host with --http (mind the privilege), or off`,
  });
  t.match(listenError(grpc, address, error), {
    message: `cannot listen for gRPC on ${address} (EACCES): give an address of this host with --grpc`,
  });
  t.end();
});
