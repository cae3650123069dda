import { Caller } from './attack-caller.ts';
import type { EventReader } from './raw-events.ts';
import type { Got, JsonObject } from './raw-http.ts';
import { KEY_HEADER, type ScanScene } from './secret-scan-scene.ts';

/** Somebody who calls, all of whose answers are kept. */
export class KeptCaller {
  readonly #scene: ScanScene;
  readonly #who: string;
  readonly caller: Caller;

  constructor(scene: ScanScene, who: string, caller: Caller) {
    this.#scene = scene;
    this.#who = who;
    this.caller = caller;
  }

  /** A consumer with its key, and a legacy session. */
  static async open(scene: ScanScene, who: string, client: string): Promise<KeptCaller> {
    const headers = { [KEY_HEADER]: scene.keys.get(who) ?? '' };
    const capabilities = { elicitation: {}, sampling: {}, roots: {} };
    const caller = await Caller.open(scene.port, { headers, client, capabilities });
    return new KeptCaller(scene, who, caller);
  }

  keep(got: Promise<Got>): Promise<Got> {
    return this.#scene.keep(this.#who, got);
  }

  legacy(method: string, params: JsonObject = {}): Promise<Got> {
    return this.keep(this.caller.ask(method, params));
  }

  modern(method: string, params: JsonObject = {}, meta: JsonObject = {}): Promise<Got> {
    const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
    const all = { 'io.modelcontextprotocol/clientCapabilities': capabilities, ...meta };
    return this.keep(this.caller.modern(method, params, all));
  }

  /** In both eras. */
  async both(method: string, params: JsonObject = {}): Promise<void> {
    await Promise.all([this.legacy(method, params), this.modern(method, params)]);
  }

  async call(name: string, args: JsonObject = {}): Promise<void> {
    await this.both('tools/call', { name, arguments: args });
  }

  /** Answers what the server asks in the course of a legacy call. */
  async answering(name: string, args: JsonObject, answer: JsonObject): Promise<void> {
    const stream = await this.caller.stream(
      this.caller.body('tools/call', { name, arguments: args }),
    );
    const question = await stream.nextMessage(({ method }) => method !== undefined);
    await this.keep(this.caller.post({ jsonrpc: '2.0', id: question.id, result: answer }));
    await stream.nextMessage(({ id, method }) => id !== undefined && method === undefined);
    this.noteEvents(stream);
    stream.break();
  }

  noteEvents(stream: EventReader): void {
    this.#scene.note(this.#who, stream.events.map(({ data }) => data ?? '').join('\n'));
  }
}
