import { z } from 'zod';

/** A JSON Schema of one setting, as far as the reference pages read it. */
export interface Setting {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Setting[];
  readonly items?: Setting;
  readonly properties?: Readonly<Record<string, Setting>>;
  readonly additionalProperties?: Setting | boolean;
  /** Says in its title what the keys of a mapping name. */
  readonly propertyNames?: { readonly title?: string };
}

/** The JSON Schema of what a user writes: keys with a default are optional. */
export function toSetting(schema: z.ZodType): Setting {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as Setting;
}

/** A JSON Schema file for editors (draft 7, which all of them know). */
export function schemaText(schema: z.ZodType, title: string): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const text = JSON.stringify({ $schema, title, ...rest }, undefined, 2);
  return `${text.replaceAll(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, onOneLine)}\n`;
}

const WIDTH = 100;

// Lists that fit stand on one line in this repository's format.
function onOneLine(list: string, items: string, offset: number, text: string): string {
  const line = `[${items.replaceAll(/,\n\s+/g, ', ')}]`;
  const before = offset - (text.lastIndexOf('\n', offset) + 1);
  const after = text[offset + list.length] === ',' ? 1 : 0;
  return before + line.length + after > WIDTH ? list : line;
}
