/**
 * A source file as the tidy rules look at it: without what comments and strings say.
 *
 * A scanner, not a parser: it knows comments, strings, templates and regular expressions, which is
 * all that it takes to tell code from prose. Everything keeps its place, so lines can be told.
 */
export interface Source {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Comments and the contents of strings are blank. */
  readonly code: string;
  /** Each specifier that is imported or exported from, with the names in braces if any. */
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  readonly names: readonly string[];
  readonly line: number;
}

const tokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`|[{}]|\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;
/** After these a slash begins a regular expression; after anything else it divides. */
const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|throw|await))\s*$/;
const importPattern =
  /^[ \t]*(?:import|export)\b([^;'"`]*?)(?:\bfrom\s*)?'( *)'|\bimport\(\s*'( *)'/gm;

export function makeSource(path: string, text: string): Source {
  const code = blank(text);
  const imports = [...code.matchAll(importPattern)].map((match): Import => {
    const end = match.index + match[0].lastIndexOf("'");
    const start = code.lastIndexOf("'", end - 1) + 1;
    const braces = /\{([^}]*)\}/.exec(match[1] ?? '')?.[1] ?? '';
    const names = braces.split(',').map((name) => name.replace(/\btype\b|\bas\b.*/g, '').trim());
    return {
      specifier: text.slice(start, end),
      names: names.filter((name) => name !== ''),
      line: lineOf(text, start),
    };
  });
  return { path, text, code, imports };
}

/** Counted from 1. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** `path:line` of each match. */
export function findAll({ path, text, code }: Source, pattern: RegExp, where = code): string[] {
  return [...where.matchAll(new RegExp(pattern, 'gm'))].map((match) => {
    return `${path}:${lineOf(text, match.index)} ${match[0].trim()}`;
  });
}

function blank(text: string): string {
  let code = '';
  let at = 0;
  /** For each open template: how many braces are open in its ${…}. */
  const templates: number[] = [];
  const copyTo = (end: number): void => {
    code += text.slice(at, end);
    at = end;
  };
  const blankTo = (end: number): void => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  /** From inside a template to its end or to the next ${. */
  const skipTemplate = (): void => {
    const rest = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/.exec(text.slice(at))?.[0] ?? '';
    blankTo(at + rest.length);
    const isHole = text.startsWith('${', at);
    copyTo(at + (isHole ? 2 : 1));
    if (isHole) templates.push(0);
  };
  for (tokens.lastIndex = 0; ; tokens.lastIndex = at) {
    const token = tokens.exec(text);
    if (token === null) break;
    copyTo(token.index);
    const [word] = token;
    const end = at + word.length;
    if (word === '`') {
      copyTo(end);
      skipTemplate();
    } else if (word === '{' || word === '}') {
      copyTo(end);
      const depth = templates.at(-1);
      if (depth === undefined) continue;
      const isClosed = word === '}' && depth === 0;
      if (isClosed) templates.pop();
      else templates[templates.length - 1] = depth + (word === '{' ? 1 : -1);
      if (isClosed) skipTemplate();
    } else if (word.startsWith('//') || word.startsWith('/*')) {
      blankTo(end);
    } else if (word.startsWith('/') && !beforeRegex.test(code)) {
      copyTo(at + 1);
    } else {
      copyTo(at + 1);
      blankTo(end - 1);
      copyTo(end);
    }
  }
  copyTo(text.length);
  return code;
}
