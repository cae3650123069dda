import type { Id, JsonObject, Message } from '../fixture/json-rpc.ts';
import { openWire, type Place, type Wire } from './fidelity-wires.ts';
import { eventually } from './raw-eventually.ts';

/** A message, and the request on whose own stream it came, where there are such streams. */
export interface Came {
  readonly message: Message;
  readonly about: Id | undefined;
}

/** A client that sends exactly what it is told and keeps all that comes, in order. */
export class Talk {
  readonly came: Came[] = [];
  readonly failures: string[] = [];
  #wire: Wire | undefined;

  static async open(place: Place): Promise<Talk> {
    const talk = new Talk();
    talk.#wire = await openWire(place, {
      onMessage: (message, about) => talk.came.push({ message, about }),
      onFailure: (reason) => talk.failures.push(reason),
    });
    return talk;
  }

  /** Sends a message as it is. */
  async say(message: unknown, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#wire?.send(message as Message, headers);
  }

  /** Opens the stream for what belongs to no request, where it is one of its own. */
  async listen(version: string): Promise<void> {
    await this.#wire?.listen(version);
  }

  /** Closes the stream of a request; false where it has none of its own. */
  abandon(id: Id): boolean {
    return this.#wire?.abandon(id) ?? false;
  }

  /** The response to an id of this very type, past or to come. */
  async reply(id: Id): Promise<Message> {
    const find = (): Message | undefined =>
      this.came.find(({ message }) => message.method === undefined && message.id === id)?.message;
    await eventually(`an answer to ${id} came`, () => find() !== undefined);
    return find() as Message;
  }

  /** Sends a request and resolves with its response. */
  async ask(
    message: JsonObject & { id: Id },
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Message> {
    await this.say(message, headers);
    return this.reply(message.id);
  }

  /** The first message, past or to come, that is accepted. */
  async next(accepts: (came: Came) => boolean, what = 'it'): Promise<Came> {
    await eventually(`${what} came`, () => this.came.some(accepts));
    return this.came.find(accepts) as Came;
  }

  async close(): Promise<void> {
    await this.#wire?.close();
  }
}
