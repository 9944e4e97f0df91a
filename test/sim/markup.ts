/** Reads markup as strictly as XML is read, for the tests of the report page. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

const tagForm = /<(\/?)([a-z][a-z0-9]*)((?:\s+[A-Za-z-]+="[^"<>]*")*)\s*(\/?)>/y;
const textForm = /[^<&]+|&(?:amp|lt|gt|quot|#39);/y;

/**
 * All elements in the order of their end tags, each with the text right in it.
 *
 * @throws Error at what is not well-formed
 */
export function elementsOf(markup: string): Element[] {
  const found: Element[] = [];
  const open: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const source = markup.replace(/^<!DOCTYPE html>\n/, '');
  for (let at = 0; at < source.length;) {
    const form = source[at] === '<' ? tagForm : textForm;
    form.lastIndex = at;
    const match = form.exec(source);
    if (match === null) throw new Error(`not well-formed: ${source.slice(at, at + 60)}`);
    at = form.lastIndex;
    const [all, slash, name = '', attributes = '', empty] = match;
    if (form === textForm) {
      const inner = open.at(-1);
      if (inner !== undefined) inner.text += all;
      continue;
    }
    if (slash === '') open.push({ name, attributes: attributesOf(attributes), text: '' });
    if (slash === '' && empty === '') continue;
    const closed = open.pop();
    if (closed?.name !== name) throw new Error(`</${name}> ends <${closed?.name}>`);
    found.push(closed);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is not ended`);
  return found;
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([A-Za-z-]+)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}
