// (2 + 3) * 4 / 5 - 1, the operations last:   node entrypoint.js 2 3 add 4 mul 5 div 1 sub
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Disco } from 'disco';
import { registerDiscoResolver } from 'disco/grpc-resolver';

const { math } = grpc.loadPackageDefinition(loadSync(`${import.meta.dirname}/math.proto`));
const disco = await Disco.connect();
registerDiscoResolver(disco);

function apply(name, left, right) {
  // The channel goes round the instances of math/<name>, as they come and go.
  const client = new math.v1.Operation(`disco:///math/${name}`, grpc.credentials.createInsecure());
  const deadline = Date.now() + 5_000;
  return new Promise((resolve, reject) => {
    client.Apply({ left, right }, { deadline }, (error, answer) => {
      client.close();
      if (error) reject(error);
      else resolve(answer.value);
    });
  });
}

try {
  const stack = [];
  for (const word of process.argv.slice(2)) {
    const operands = Number.isNaN(Number(word)) ? stack.splice(-2) : undefined;
    stack.push(operands ? await apply(word, ...operands) : Number(word));
  }
  console.log(...stack);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await disco.close();
}
