import t from 'tap';
import { dialFailureOf, isPortInUse } from '../../src/gossip/dial-failure.ts';

function failure(name: string, message = '', code?: string): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  error.name = name;
  return error;
}

t.test('an error says what the other side is, wherever it is hidden', (t) => {
  const refused = failure('Error', 'connect', 'ECONNREFUSED');
  t.equal(dialFailureOf(refused), 'refused');
  t.equal(dialFailureOf(new AggregateError([refused, refused])), 'refused');
  t.equal(dialFailureOf(new Error('outer', { cause: new AggregateError([refused]) })), 'refused');
  t.equal(dialFailureOf(failure('TimeoutError')), 'timeout');
  t.equal(dialFailureOf(new AggregateError([refused, failure('TimeoutError')])), 'timeout');
  t.equal(dialFailureOf(failure('Error', '', 'EHOSTUNREACH')), 'unreachable');
  t.equal(dialFailureOf(failure('InvalidPeerIdError', 'Can not dial self')), 'self');
  t.equal(dialFailureOf(failure('UnexpectedPeerError')), 'other_peer');
  t.equal(dialFailureOf('no error at all'), 'unreachable');
  t.end();
});

t.test('a host that is unreachable at one of its addresses is not called refused', (t) => {
  const errors = [failure('Error', '', 'ECONNREFUSED'), failure('Error', '', 'EHOSTUNREACH')];
  t.equal(dialFailureOf(new AggregateError(errors)), 'unreachable');
  t.end();
});

t.test('a port in use is told from other troubles', (t) => {
  t.equal(isPortInUse(new AggregateError([failure('Error', 'listen EADDRINUSE: 1')])), true);
  t.equal(isPortInUse(failure('Error', '', 'EADDRNOTAVAIL')), false);
  t.end();
});
