/**
 * Module hook: imported first (`node --import`), it makes `disco` and `disco/grpc-resolver` mean the
 * sources of this checkout, and not what was built last.
 */
import { registerHooks } from 'node:module';

const sources = new Map([
  ['disco', new URL('../../src/client/index.ts', import.meta.url).href],
  ['disco/grpc-resolver', new URL('../../src/client/grpc-resolver.ts', import.meta.url).href],
]);

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    nextResolve(sources.get(specifier) ?? specifier, context),
});
