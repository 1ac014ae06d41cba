import { Code, TYPE_I64 } from './code.js';
import { PARAMETERS } from './locals.js';

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const FUNCTION = 0x60;
const MEMORY = 2;
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 };

function section(out: Code, id: number, body: Code): void {
  out.op(id).u(body.length).append(body.bytes());
}

function name(out: Code, text: string): void {
  out.u(text.length).op(...new TextEncoder().encode(text));
}

/**
 * A module of functions with the type of regions, exported as `0`, `1` and so on. It imports the memory alone: function
 * and table imports make V8 slow. `pages` is the memory's size, which never changes.
 */
export function buildModule(bodies: readonly Uint8Array[], pages: number): Uint8Array {
  const out = new Code().op(...MAGIC);
  section(
    out,
    SECTION.type,
    new Code()
      .u(1)
      .op(FUNCTION)
      .u(PARAMETERS.length)
      .op(...PARAMETERS)
      .u(1)
      .op(TYPE_I64),
  );
  const memory = new Code().u(1);
  name(memory, 'e');
  name(memory, 'm');
  section(out, SECTION.import, memory.op(MEMORY, 1).u(pages).u(pages));
  const types = new Code().u(bodies.length);
  const exports = new Code().u(bodies.length);
  const code = new Code().u(bodies.length);
  bodies.forEach((body, index) => {
    types.u(0);
    name(exports, String(index));
    exports.op(0).u(index);
    code.u(body.length).append(body);
  });
  section(out, SECTION.function, types);
  section(out, SECTION.export, exports);
  section(out, SECTION.code, code);
  return out.bytes().slice();
}
