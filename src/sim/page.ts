/**
 * The report page: one run as a page of its own, without a script and without anything from
 * elsewhere. Its size does not grow with the number of nodes.
 */
import { commandOf } from './command.ts';
import { agreementPlot, bandwidthPlot, nodesUpPlot, reachPlot } from './page-plots.ts';
import { pageStyle } from './page-style.ts';
import { escapeHtml } from './plot.ts';
import type { SimResult, Violation } from './run.ts';
import { spreadPlot } from './spread-plot.ts';
import { countText, hasSucceeded, reachCells, sometimesCells, summaryRows } from './table.ts';
import type { Cells } from './table.ts';

const violationsShownMax = 100;
const rowsMax = 500;
/** Letters of a cell that is not worth to be broken. */
const shortMax = 24;

/** The whole page, as well-formed XML too. */
export function reportPage(result: SimResult): string {
  const { options } = result;
  const title = `disco sim: ${countText(options.nodes)} nodes, random seed ${options.randomSeed}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
${verdict(result)}
<pre>${escapeHtml(commandOf(options))}</pre>
</header>
${violations(result.violations)}
<main>
${agreementPlot(result)}
${nodesUpPlot(result)}
<div class="pair">
${reachPlot(result)}
${bandwidthPlot(result)}
</div>
${spreadPlot(result)}
<div class="pair">
<section>
<h2>The run</h2>
${rowTable(summaryRows(result))}
</section>
<section>
<h2>From a change to the nodes</h2>
${cellTable(reachCells(result.spreads), 'Nothing changed.')}
<p class="soft">A round is one interval between two digests. Percentiles are over all changes.</p>
</section>
</div>
${reachedStates(result)}
<details>
<summary>Counters of all nodes</summary>
${cellTable(counterCells(result), 'Nothing was counted.')}
</details>
</main>
</body>
</html>
`;
}

function verdict(result: SimResult): string {
  const count = result.violations.length;
  const violated = count === 1 ? '1 violation' : `${countText(count)} violations`;
  const [style, text] = hasSucceeded(result)
    ? ['good', 'Nothing was violated, and all nodes that are up agree at the end.']
    : ['bad', count > 0 ? `Failed: ${violated}.` : 'Failed: the nodes do not agree at the end.'];
  return `<p class="verdict ${style}">${text}</p>`;
}

function violations(found: readonly Violation[]): string {
  if (found.length === 0) return '';
  const rows = found.slice(0, violationsShownMax).map(({ checker, atMs, node, sentence }) => {
    return [`${atMs / 1_000} s`, node === undefined ? '' : `n${node}`, checker, sentence];
  });
  const more = found.length - rows.length;
  return `<section>
<h2 class="bad">Violations</h2>
${cellTable({ header: ['AT', 'NODE', 'CHECKER', 'WHAT'], rows }, '')}
${more > 0 ? `<p class="soft">And ${countText(more)} more.</p>` : ''}
</section>`;
}

function reachedStates(result: SimResult): string {
  const cells = sometimesCells(result);
  if (cells.rows.length === 0) return '';
  return `<section>
<h2>States that were reached</h2>
${cellTable(cells, '')}
</section>`;
}

function counterCells({ counters }: SimResult): Cells {
  const names = Object.keys(counters).toSorted();
  const rows = names.slice(0, rowsMax).map((name) => [name, countText(counters[name] ?? 0)]);
  return { header: ['COUNTER', 'SUM'], rows };
}

function rowTable(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([name, value]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<div class="wide"><table><tbody>${lines.join('\n')}</tbody></table></div>`;
}

/** Columns of nothing but amounts stand to the right. */
function cellTable({ header, rows }: Cells, ifEmpty: string): string {
  if (rows.length === 0) return `<p class="soft">${escapeHtml(ifEmpty)}</p>`;
  const styles = header.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    if (cells.every((cell) => /^([\d.,]+( ms| s)?|never|-)$/.test(cell))) return ' class="number"';
    return cells.every((cell) => cell.length <= shortMax) ? ' class="short"' : '';
  });
  const heads = header.map(
    (title, column) => `<th scope="col"${styles[column]}>${escapeHtml(title)}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => `<td${styles[column]}>${escapeHtml(cell)}</td>`);
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${heads.join('')}</tr></thead>
<tbody>${lines.join('\n')}</tbody></table></div>`;
}
