import type { Latin } from './mutate-bytes.ts';
import type { Random } from './random.ts';

const KEPT = 12;

/** What answers are searched for: values that a client has to carry back. */
const SOUGHT: Readonly<Record<string, RegExp>> = {
  state: /"requestState":"([^"\\]{1,2000})"/gu,
  task: /"taskId":"([^"\\]{1,1000})"/gu,
  cursor: /"nextCursor":"([^"\\]{1,1000})"/gu,
  event: /^id: (\S{1,200})$/gmu,
  session: /^mcp-session-id: (\S{1,2000})$/gimu,
  sse: /sessionId=([\w-]{1,100})$/gmu,
};

/** The values of the moment that stand in recorded requests as `{{name}}`. */
export class Live {
  readonly #values = new Map<string, string[]>();

  /** Makes a value known; the oldest of its name is forgotten in time. */
  add(name: string, value: string): void {
    const values = this.#values.get(name) ?? [];
    if (values.includes(value)) return;
    values.push(value);
    if (values.length > KEPT) values.shift();
    this.#values.set(name, values);
  }

  /** Replaces all values of a name by one. */
  set(name: string, value: string): void {
    this.#values.set(name, [value]);
  }

  /** Finds what may be carried back in an answer's text. */
  harvest(text: string): void {
    for (const [name, pattern] of Object.entries(SOUGHT))
      for (const [, value = ''] of text.matchAll(pattern)) this.add(name, value);
  }

  /** The same text with the names of values that are known in place of them, for a recording. */
  hide(text: string): string {
    let hidden = text;
    for (const [name, values] of this.#values)
      for (const value of values) hidden = hidden.replaceAll(value, `{{${name}}}`);
    return hidden;
  }

  /** The bytes as they are sent: values filled in, then lengths. */
  fill(bytes: Latin, random: Random): Latin {
    const filled = bytes.replaceAll(/\{\{([a-z]+)\}\}/gu, (_all, name: string) => {
      if (name === 'address') return `10.${random.below(250)}.${random.below(250)}.7`;
      const values = this.#values.get(name) ?? [];
      return values.length === 0 ? name : random.pick(values);
    });
    return filled
      .replaceAll(/\{\{length:\}\}\r\n\r\n([^]*?)\{\{:end\}\}/gu, (_all, body: string) =>
        body === '' ? '\r\n' : `Content-Length: ${body.length}\r\n\r\n${body}`,
      )
      .replaceAll(/\{\{(?:length:|:end)\}\}/gu, '');
  }
}
