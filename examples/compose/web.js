// A service on each host that knows the daemon beside it, and no address of anybody else.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { Disco } from 'disco';

const disco = await Disco.connect();

const server = createServer((request, response) => {
  answer(request.url).then(
    (text) => response.end(text),
    (error) => response.writeHead(502).end(`${error.message}\n`),
  );
});

async function answer(path) {
  if (path === '/') return `${hostname()}:${server.address().port} answers\n`;
  // Any of its likes, on whichever host.
  const response = await disco.fetch('http://web.demo/', { signal: AbortSignal.timeout(5_000) });
  return `${hostname()} asked, ${await response.text()}`;
}

server.listen(Number(process.env.PORT ?? 8000));
await once(server, 'listening');
const { port } = server.address();
await disco.register({ group: 'demo', name: 'web', port, checks: [{ kind: 'http' }] });
console.log(`demo/web is served at port ${port}`);

process.once('SIGTERM', async () => {
  await disco.close(); // deregisters, so that nobody new comes here
  server.close(); // the process ends with the last request
});
