import { UsageError } from './exit.js';
import { pattern } from './options.js';

interface Step {
  readonly when: RegExp;
  readonly send: Uint8Array;
}

/**
 * `guest# `, `/ # `, `~ $ `, `root@host:/# `, `bash-5.2$ `, `login: `: one word, or a path and a space, and then the sign; log
 * lines on their way to their end do not look like one.
 */
const PROMPT = /^([\w.@:~/-]*|[\w.@:~-]*[~/][\w./-]* )[#$>] $|(login|[Pp]assword): $/;
/** What a shell that edits lines sends along: CSI sequences, OSC titles (ECMA-48, 8.3). */
const CONTROL = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>])/g;
const MAX_LINE = 4096;

/**
 * What `--input` types. Each text waits for a shell or login prompt, or for its own pattern, in the console's current line.
 * It depends on the console's bytes alone, so a scripted run is as reproducible as one without input.
 */
export class InputScript {
  readonly #steps: Step[];
  #line = '';
  #ready = true;

  constructor(texts: readonly string[]) {
    this.#steps = texts.map(parseStep);
  }

  /** Texts not yet typed. */
  get remaining(): number {
    return this.#steps.length;
  }

  /** Looks at one byte of output; returns what is to be typed now. */
  output(byte: number): Uint8Array | undefined {
    const step = this.#steps[0];
    if (step === undefined) return undefined;
    if (byte === 10) {
      this.#line = '';
      this.#ready = true;
      return undefined;
    }
    if (byte === 13 || this.#line.length >= MAX_LINE) return undefined;
    this.#line += String.fromCharCode(byte);
    // The echo of what was typed must not count as the next prompt.
    if (!this.#ready || !step.when.test(this.#line.replace(CONTROL, ''))) return undefined;
    this.#ready = false;
    this.#steps.shift();
    return step.send;
  }
}

function parseStep(text: string): Step {
  const at = text.indexOf('=>');
  const when = at < 0 ? PROMPT : (pattern('input', text.slice(0, at)) as RegExp);
  return { when, send: unescapeText(at < 0 ? text : text.slice(at + 2)) };
}

/** `\n \r \t \e \xNN \\`; Enter is added unless the text ends in `\c`. */
export function unescapeText(text: string): Uint8Array {
  const bytes: number[] = [];
  const simple: Record<string, number> = { n: 10, r: 13, t: 9, e: 27, '\\': 92 };
  let enter = true;
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(rest);
    const escape = simple[rest[1] ?? ''];
    if (hex) {
      bytes.push(parseInt(hex[1] ?? '', 16));
      i += 4;
    } else if (rest === '\\c') {
      enter = false;
      i += 2;
    } else if (rest.startsWith('\\')) {
      if (escape === undefined) throw new UsageError(`--input ${text}: unknown escape '${rest.slice(0, 2)}'`);
      bytes.push(escape);
      i += 2;
    } else {
      const point = rest.codePointAt(0) ?? 0;
      const character = String.fromCodePoint(point);
      bytes.push(...new TextEncoder().encode(character));
      i += character.length;
    }
  }
  if (enter) bytes.push(13);
  return Uint8Array.from(bytes);
}
