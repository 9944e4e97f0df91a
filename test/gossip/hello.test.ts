import t from 'tap';
import { helloFault } from '../../src/gossip/hello.ts';
import { protocolVersion } from '../../src/gossip/message.ts';

const now = { protocolMin: protocolVersion, protocolMax: protocolVersion };

t.test('a hello of the same cluster and a common protocol version is accepted', (t) => {
  t.equal(helloFault({ cluster: 'a', ...now }, 'a'), undefined);
  const newer = { cluster: 'a', protocolMin: protocolVersion, protocolMax: protocolVersion + 1 };
  t.equal(helloFault(newer, 'a'), undefined, 'the next version speaks this one too');
  t.end();
});

t.test('another cluster is refused in the words of each side', (t) => {
  const fault = helloFault({ cluster: 'theirs', ...now }, 'own');
  t.equal(fault?.reason, 'WRONG_CLUSTER');
  t.match(fault?.sentence, /the other node is of cluster "theirs", this one of "own"/);
  t.match(fault?.toPeer, /the other node is of cluster "own", this one of "theirs"/);
  t.end();
});

t.test('no common protocol version is refused, whoever is the older', (t) => {
  for (const version of [protocolVersion - 1, protocolVersion + 1]) {
    const other = { cluster: 'a', protocolMin: version, protocolMax: version };
    const fault = helloFault(other, 'a');
    t.equal(fault?.reason, 'PROTOCOL_VERSION');
    t.match(fault?.sentence, `speaks gossip protocol ${version} to ${version}, this one`);
    t.match(fault?.toPeer, `this one ${version} to ${version}: upgrade`);
  }
  t.end();
});
