/** Colours and layout: one column, in light, in dark, on a phone and on paper. */
export const PHASE_ORDER: readonly string[] = ['trap', 'send', 'wake', 'deliver', 'backend', 'respond', 'resume'];
export const BASIS_ORDER: readonly string[] = ['measured', 'derived', 'executed', 'wait', 'guessed'];

/** Colour of a phase, a basis or a kind of request: a variable of the style sheet. */
export const colour = (name: string): string => `var(--${name.replace(/[^a-z]/g, '-')}, var(--other))`;

const LIGHT = `
  --ink: #1d2733; --soft: #5b6875; --paper: #ffffff; --card: #f3f5f8; --line: #d5dbe2; --accent: #0b62a8;
  --trap: #c4541a; --send: #d98f00; --wake: #b8404f; --deliver: #2f7fb8; --backend: #2c8c5a; --respond: #7a9c1f; --resume: #7f5fb0;
  --measured: #2c8c5a; --derived: #2f7fb8; --guessed: #d98f00; --executed: #8a949e; --wait: #b4bcc4;
  --read: #2f7fb8; --write: #c4541a; --notify: #7f5fb0; --memory: #2c8c5a; --device: #2f7fb8; --other: #8a949e;`;
const DARK = `
  --ink: #e3e8ee; --soft: #9aa7b4; --paper: #12181f; --card: #1b232c; --line: #35414d; --accent: #6db6ee;
  --trap: #f08a4f; --send: #f2b73f; --wake: #ee7f8b; --deliver: #64b1e6; --backend: #5fc890; --respond: #b3d158; --resume: #b79ae6;
  --measured: #5fc890; --derived: #64b1e6; --guessed: #f2b73f; --executed: #7d8894; --wait: #56616c;
  --read: #64b1e6; --write: #f08a4f; --notify: #b79ae6; --memory: #5fc890; --device: #64b1e6; --other: #7d8894;`;

/** The colours alone. */
export const PALETTE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
`;

export const STYLE = `${PALETTE}* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 52rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; border-top: 1px solid var(--line); padding-top: 1rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); }
code, pre { font: .85em/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; background: var(--card); padding: .75rem; white-space: pre; overflow-wrap: normal; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .5rem; margin: 1rem 0; }
.cards div { background: var(--card); border: 1px solid var(--line); padding: .5rem .75rem; }
.cards b { display: block; font-size: 1.2rem; }
.cards span.label { color: var(--soft); font-size: .85rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem .9rem; font-size: .85rem; margin: .25rem 0; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; vertical-align: -.05em; }
figure { margin: .5rem 0; }
figure svg { display: block; width: 100%; height: auto; background: none !important; color: var(--ink); overflow: visible; }
figure .narrow { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
summary { cursor: pointer; color: var(--accent); }
@media (max-width: 36rem) { figure .wide { display: none; } figure .narrow { display: block; } body { padding: .75rem; } }
@media print {
  :root { color-scheme: light; ${LIGHT} }
  body { max-width: none; font-size: 11px; padding: 0; }
  figure, .cards, tr { break-inside: avoid; } h2 { break-after: avoid; }
  figure .narrow { display: none; } figure .wide { display: block; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
