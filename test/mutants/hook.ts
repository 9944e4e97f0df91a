/**
 * Module hook: imported first (`node --import`), it makes a process and its worker threads run the
 * mutant that DISCO_MUTANT names. Without the variable nothing is changed.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { mutantNamed, mutantVariable, mutate, root, sourceOf } from './mutant.ts';

const name = process.env[mutantVariable];
if (name !== undefined) {
  const mutant = mutantNamed(name);
  const mutatedUrl = pathToFileURL(`${root}/${mutant.file}`).href;
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (url !== mutatedUrl) return loaded;
      return { ...loaded, source: mutate(mutant, sourceOf(mutant)) };
    },
  });
}
