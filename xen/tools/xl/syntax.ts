/** The syntax of xl configuration files (xen: tools/libs/util/libxlu_cfg_y.y): `key = value` with numbers, strings and lists. */

export type CfgValue = string | number | readonly CfgValue[];

export interface CfgSetting {
  readonly key: string;
  readonly value: CfgValue;
  readonly append: boolean;
  readonly line: number;
}

/** A user's mistake: shown as `file:line: message`, exit code 2. */
export class CfgError extends Error {
  constructor(
    readonly file: string,
    readonly line: number,
    readonly what: string,
  ) {
    super(line > 0 ? `${file}:${line}: ${what}` : `${file}: ${what}`);
  }
}

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'punct' | 'end';
  readonly text: string;
  readonly line: number;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  let depth = 0;
  while (at < text.length) {
    const c = text[at]!;
    if (c === '\n') {
      // A line end ends a setting, but not inside a list.
      if (depth === 0) tokens.push({ kind: 'punct', text: ';', line });
      line++;
      at++;
    } else if (/\s/.test(c)) at++;
    else if (c === '#') while (at < text.length && text[at] !== '\n') at++;
    else if (c === '"' || c === "'") {
      let value = '';
      const start = line;
      at++;
      while (text[at] !== c) {
        if (at >= text.length || text[at] === '\n') throw new CfgError(file, start, `string is not closed with ${c}`);
        if (text[at] === '\\') value += ESCAPES[text[++at] ?? ''] ?? '\\' + (text[at] ?? '');
        else value += text[at];
        at++;
      }
      at++;
      tokens.push({ kind: 'string', text: value, line: start });
    } else if (/[-0-9]/.test(c)) {
      const word = /^-?(?:0[xX][0-9a-fA-F]+|[0-9]+)/.exec(text.slice(at))?.[0];
      if (word === undefined) throw new CfgError(file, line, `'${c}' is not expected here`);
      tokens.push({ kind: 'number', text: word, line });
      at += word.length;
    } else if (/[A-Za-z_]/.test(c)) {
      const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(at))![0];
      tokens.push({ kind: 'name', text: word, line });
      at += word.length;
    } else if ('=[],;'.includes(c) || text.startsWith('+=', at)) {
      const word = c === '+' ? '+=' : c;
      if (word === '[') depth++;
      if (word === ']') depth = Math.max(0, depth - 1);
      tokens.push({ kind: 'punct', text: word, line });
      at += word.length;
    } else throw new CfgError(file, line, `'${c}' is not expected here`);
  }
  tokens.push({ kind: 'punct', text: ';', line }, { kind: 'end', text: 'end of file', line });
  return tokens;
}

/** Settings in file order. Throws CfgError. */
export function parseCfg(text: string, file: string): CfgSetting[] {
  const tokens = tokenize(text, file);
  const settings: CfgSetting[] = [];
  let at = 0;
  const next = (): Token => tokens[at++]!;
  const fail = (t: Token, wanted: string): never => {
    throw new CfgError(file, t.line, `${wanted} expected, found '${t.text === ';' ? 'end of line' : t.text}'`);
  };
  /** As strtol with base 0: decimal, 0x..., octal after a 0. */
  const number = (t: Token): number => {
    const digits = t.text.replace('-', '');
    const octal = /^0\d+$/.test(digits);
    if (octal && /[89]/.test(digits)) throw new CfgError(file, t.line, `'${t.text}' is not an octal number`);
    const magnitude = octal ? parseInt(digits, 8) : Number(digits);
    return t.text.startsWith('-') ? -magnitude : magnitude;
  };
  const value = (nesting: number): CfgValue => {
    const t = next();
    if (t.kind === 'string') return t.text;
    if (t.kind === 'number') return number(t);
    if (t.text !== '[' || nesting > 8) return fail(t, 'a number, a quoted string or a list');
    const list: CfgValue[] = [];
    while (tokens[at]!.text !== ']') {
      if (tokens[at]!.kind === 'end') fail(tokens[at]!, "']'");
      if (tokens[at]!.text === ';' && tokens[at]!.kind === 'punct') fail(tokens[at]!, "']'");
      list.push(value(nesting + 1));
      if (tokens[at]!.text === ',') at++;
      else if (tokens[at]!.text !== ']') fail(tokens[at]!, "',' or ']'");
    }
    at++;
    return list;
  };
  while (tokens[at]!.kind !== 'end') {
    const t = next();
    if (t.kind === 'punct' && t.text === ';') continue;
    if (t.kind !== 'name') fail(t, 'a key');
    const op = next();
    if (op.text !== '=' && op.text !== '+=') fail(op, "'='");
    settings.push({ key: t.text, value: value(0), append: op.text === '+=', line: t.line });
    const end = next();
    if (end.text !== ';') fail(end, 'end of line');
  }
  return settings;
}
