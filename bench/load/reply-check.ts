import { echoText } from '../servers/echo-text.ts';

interface Shape {
  /** What stands before the first and after the second of the two things that differ. */
  readonly before: string;
  readonly between: string;
  readonly after: string;
  readonly isIdFirst: boolean;
}

interface Reply {
  id?: unknown;
  result?: { content?: { text?: string }[]; tools?: { name?: string }[] };
}

/**
 * Says whether a reply is the right one. The first of a kind is parsed; one that differs from it in the id and the expected
 * text alone is compared as text, so that a megabyte costs the load process little; all others are parsed.
 */
export class ReplyCheck {
  #shape: Shape | undefined;

  /** What is wrong with the reply to an echo of `given`; nothing when it is right. */
  echo(json: string, id: number, given: string, bytes: number): string | undefined {
    const text = `"text":"${echoText(given, bytes)}"`;
    if (this.#isAsBefore(json, id, text)) return undefined;
    const reply = JSON.parse(json) as Reply;
    const right = reply.id === id && reply.result?.content?.[0]?.text === echoText(given, bytes);
    if (!right) return `wrong reply to call ${given}: ${json.slice(0, 300)}`;
    this.#shape = shapeOf(json, `"id":${id}`, text);
    return undefined;
  }

  /** The same for a list of so many tools or more. */
  list(json: string, id: number, tools: number): string | undefined {
    if (this.#isAsBefore(json, id, '')) return undefined;
    const reply = JSON.parse(json) as Reply;
    const names = new Set(reply.result?.tools?.map(({ name }) => name));
    if (reply.id !== id || names.size < tools)
      return `wrong list, ${names.size} tools: ${json.slice(0, 300)}`;
    this.#shape = shapeOf(json, `"id":${id}`, '');
    return undefined;
  }

  #isAsBefore(json: string, id: number, text: string): boolean {
    const shape = this.#shape;
    if (shape === undefined) return false;
    const first = shape.isIdFirst ? `"id":${id}` : text;
    const second = shape.isIdFirst ? text : `"id":${id}`;
    const { before, between, after } = shape;
    const secondAt = before.length + first.length + between.length;
    return (
      json.length === secondAt + second.length + after.length &&
      json.startsWith(before) &&
      json.startsWith(first, before.length) &&
      json.startsWith(between, before.length + first.length) &&
      json.startsWith(second, secondAt) &&
      json.endsWith(after)
    );
  }
}

function shapeOf(json: string, id: string, text: string): Shape | undefined {
  const [idAt, textAt] = [idPlace(json, id), text === '' ? json.length : json.indexOf(text)];
  if (idAt < 0 || textAt < 0) return undefined;
  const isIdFirst = idAt < textAt;
  const [first, second] = isIdFirst ? [idAt, textAt] : [textAt, idAt];
  const firstEnd = first + (isIdFirst ? id : text).length;
  const secondEnd = second + (isIdFirst ? text : id).length;
  return {
    before: json.slice(0, first),
    between: json.slice(firstEnd, second),
    after: json.slice(secondEnd),
    isIdFirst,
  };
}

/** Where the one id stands; nowhere when it could be several places. */
function idPlace(json: string, id: string): number {
  const at = json.indexOf(id);
  return at === json.lastIndexOf(id) ? at : -1;
}
