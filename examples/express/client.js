// Calls whichever instance of shop/greeter has the least to do:   node client.js Ada
import { Disco } from 'disco';

const name = encodeURIComponent(process.argv[2] ?? 'world');
const disco = await Disco.connect();
try {
  // As the global fetch; the host is name.group.
  const response = await disco.fetch(`http://greeter.shop/greet/${name}`, {
    signal: AbortSignal.timeout(5_000),
  });
  console.log(await response.json());
} finally {
  await disco.close();
}
