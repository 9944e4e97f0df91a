/** How the report page looks: light or dark as the reader has it, one column on a phone. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --panel: #f6f8fa;
  --rumor: #0b62d6; --retold: #c2570c; --repair: #7b3fc4; --good: #1a7f37; --bad: #cf222e;
  --fault: #d29922;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1318; --ink: #e4e8ed; --soft: #9aa5b1; --line: #2d343c; --panel: #171c23;
    --rumor: #6cb0ff; --retold: #ffa657; --repair: #c69bff; --good: #56d364; --bad: #ff7b72;
    --fault: #e3b341;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 20px 48px; max-width: 1120px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0; }
p { margin: 4px 0; }
.soft { color: var(--soft); }
.verdict { font-weight: 700; }
.good { color: var(--good); }
.bad { color: var(--bad); }
section { margin-top: 36px; min-width: 0; }
.pair { display: grid; gap: 0 40px; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
pre {
  background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px;
  margin: 12px 0; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; user-select: all;
}
table { border-collapse: collapse; width: 100%; margin-top: 8px; font-size: 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: top; white-space: nowrap; }
td { overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: 12px; white-space: normal; }
.short { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
.left-title, .bottom-title { color: var(--soft); font-size: 12px; margin: 10px 0 8px; }
.bottom-title { text-align: right; margin: 0 14px; }
.plot { position: relative; margin: 0 14px 26px 62px; }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.plot i { position: absolute; font: 12px/16px system-ui, sans-serif; color: var(--soft); }
.plot i { white-space: nowrap; font-variant-numeric: tabular-nums; }
.plot .at-left { right: calc(100% + 8px); transform: translateY(-50%); }
.plot .at-bottom { top: calc(100% + 6px); transform: translateX(-50%); }
.plot .note { color: var(--ink); background: var(--paper); padding: 0 4px; border-radius: 3px; }
.plot path, .plot line { vector-effect: non-scaling-stroke; fill: none; }
.grid { stroke: var(--line); stroke-width: 1; }
.curve { stroke: var(--rumor); stroke-width: 2; stroke-linejoin: round; }
.plot .area { fill: var(--rumor); fill-opacity: .18; }
.plot .bars { fill: var(--rumor); }
.plot .struck { fill: var(--fault); fill-opacity: .14; }
.struck-at { stroke: var(--fault); stroke-width: 1.5; stroke-dasharray: 3 3; }
.plot .fold { fill: var(--panel); stroke: var(--line); stroke-width: 1; }
.plot .fold-note { left: 8px; transform: translateY(-50%); }
.reached { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 5 4; }
.hop { stroke-width: 1; stroke-opacity: .55; }
.dot { stroke-width: 5; stroke-linecap: round; }
.small { stroke-width: 3.5; }
.rumor { stroke: var(--rumor); } .retold { stroke: var(--retold); }
.repair { stroke: var(--repair); } .origin { stroke: var(--ink); }
.start { stroke: var(--ink); stroke-width: 12; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; padding: 0; }
.legend li { list-style: none; display: flex; align-items: center; gap: 6px; }
.legend svg { width: 22px; height: 10px; }
.lanes { margin: 4px 14px 10px 62px; }
.lane { position: relative; height: 20px; overflow: hidden; border-radius: 3px; }
.lane b {
  position: absolute; top: 2px; bottom: 2px; min-width: 4px; border-radius: 3px;
  background: var(--fault); opacity: .4;
}
.lane i { position: absolute; font: 12px/20px system-ui, sans-serif; padding: 0 7px; }
.lane i { white-space: nowrap; color: var(--ink); }
details { margin-top: 36px; }
summary { cursor: pointer; font-weight: 600; }
@media (max-width: 760px) {
  body { padding: 16px 14px 32px; }
  .pair { display: block; }
  .plot, .lanes { margin-left: 52px; margin-right: 10px; }
}
`;
