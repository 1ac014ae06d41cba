// layout.ts is read by AssemblyScript, where these are built in.
type i32 = number;
type u32 = number;

// The part of the WebAssembly JavaScript API that is used here; the library of Node's types leaves it out.
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array | ArrayBuffer);
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Table {
    readonly length: number;
    grow(by: number): number;
    set(index: number, value: unknown): void;
  }
  class RuntimeError extends Error {}
}
