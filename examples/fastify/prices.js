// A Fastify service that registers itself as shop/prices:   node prices.js
import Fastify from 'fastify';
import { Disco } from 'disco';

const prices = new Map(Object.entries({ apple: 40, bread: 280 }));

const app = Fastify({ logger: true });
app.get('/healthz', () => ({ status: 'ok' }));
app.get('/prices/:article', (request, reply) => {
  const { article } = request.params;
  const price = prices.get(article);
  return price === undefined
    ? reply.code(404).send({ error: `there is no ${article}` })
    : { article, price };
});

const disco = await Disco.connect();
app.addHook('preClose', () => disco.close()); // deregisters before the server stops to listen
await app.listen({ host: '0.0.0.0', port: 0 });
await disco.register({
  group: 'shop',
  name: 'prices',
  port: app.server.address().port,
  checks: [{ kind: 'http', path: '/healthz', intervalMs: 5_000 }],
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close());
