// Another one, shop/basket, which asks shop/prices:   node basket.js
import Fastify from 'fastify';
import { Disco } from 'disco';

const app = Fastify({ logger: true });
const disco = await Disco.connect();

app.get('/healthz', () => ({ status: 'ok' }));
app.get('/total', async (request) => {
  const articles = [request.query.article ?? []].flat();
  const prices = await Promise.all(articles.map(priceOf));
  return { total: prices.reduce((sum, price) => sum + price, 0) };
});

async function priceOf(article) {
  const response = await disco.fetch(`http://prices.shop/prices/${encodeURIComponent(article)}`, {
    signal: AbortSignal.timeout(2_000),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error), { statusCode: response.status });
  return answer.price;
}

app.addHook('preClose', () => disco.close());
await app.listen({ host: '0.0.0.0', port: 0 });
await disco.register({
  group: 'shop',
  name: 'basket',
  port: app.server.address().port,
  checks: [{ kind: 'http', path: '/healthz', intervalMs: 5_000 }],
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close());
