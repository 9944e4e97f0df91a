// An Express service that registers itself as shop/greeter:   node service.js
import { once } from 'node:events';
import express from 'express';
import { Disco } from 'disco';

const app = express();
app.get('/healthz', (_request, response) => response.send('ok'));
app.get('/greet/:name', (request, response) => {
  response.json({ greeting: `Hello, ${request.params.name}!`, pid: process.pid });
});

const server = app.listen(0); // the system chooses a free port
await once(server, 'listening');
const { port } = server.address();

const disco = await Disco.connect();
await disco.register({
  group: 'shop',
  name: 'greeter',
  port,
  checks: [{ kind: 'http', path: '/healthz', intervalMs: 5_000 }],
});
console.log(`shop/greeter is served at port ${port}`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await disco.close(); // deregisters, so that nobody new comes here
    server.close(); // the process ends with the last request
  });
}
