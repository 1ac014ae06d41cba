/** libxenstore for modelled clients: requests to xenstored by a domain, paths relative to its home. Errors read as undefined or nothing. */
import type { Xenstored } from '../xenstored/xenstored.js';
import { XenstoreError } from '../xenstored/store.js';
import type { Caller } from './caller.js';

export class XsHandle {
  #onWatch: (() => void) | undefined;

  constructor(
    private readonly xenstored: Xenstored,
    private readonly caller: Caller,
    /** Name under which the daemon remembers this client in a snapshot. */
    private readonly client: string,
  ) {
    xenstored.attachClient(client, { onWatch: () => this.#onWatch?.() });
  }

  #try<T>(request: () => T): T | undefined {
    this.caller.charge('domd.syscall');
    try {
      return request();
    } catch (error) {
      if (error instanceof XenstoreError) return undefined;
      throw error;
    }
  }

  get #domid(): number {
    return this.caller.domain.id;
  }

  /** Called at every watch event of this client. */
  onWatch(handler: () => void): void {
    this.#onWatch = handler;
  }

  read(path: string): string | undefined {
    return this.#try(() => this.xenstored.store.readText(this.#domid, path));
  }

  write(path: string, value: string): boolean {
    return this.#try(() => (this.xenstored.store.write(this.#domid, path, value), true)) ?? false;
  }

  directory(path: string): string[] {
    return this.#try(() => this.xenstored.store.directory(this.#domid, path)) ?? [];
  }

  rm(path: string): void {
    this.#try(() => this.xenstored.store.rm(this.#domid, path));
  }

  watch(path: string, token: string): void {
    this.#try(() => this.xenstored.watchLocal(this.client, this.#domid, path, token));
  }

  unwatch(path: string, token: string): void {
    this.#try(() => this.xenstored.unwatchLocal(this.client, this.xenstored.store.canonical(this.#domid, path), token));
  }

  /** The connection ends, as with its process. */
  close(): void {
    this.xenstored.dropLocal(this.client);
  }
}
