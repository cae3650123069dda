import { objectsAt, type JsonObject } from '../../kernel/json.ts';
import type { ListKind } from '../../kernel/methods.ts';

const NO_ITEMS: readonly JsonObject[] = [];

/** What of a definition reaches the model. */
const SHOWN: Readonly<Record<ListKind, (item: JsonObject) => JsonObject>> = {
  tools: ({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema }),
  prompts: ({ name, title, description, arguments: args }) => ({
    name,
    title,
    description,
    arguments: args,
  }),
  resources: ({ uri, name, title, description, mimeType }) => ({
    uri,
    name,
    title,
    description,
    mimeType,
  }),
  resourceTemplates: ({ uriTemplate, name, title, description, mimeType }) => ({
    uriTemplate,
    name,
    title,
    description,
    mimeType,
  }),
};

/** The text by which a model knows one thing of a list. */
export function definitionText(kind: ListKind, item: JsonObject): string {
  return JSON.stringify(SHOWN[kind](item));
}

/** The definitions of a list that is given as the JSON text of its result. Throws where it is no such text. */
export function definitionsIn(list: string): string[] {
  const result = JSON.parse(list) as JsonObject;
  const kinds = Object.keys(SHOWN) as ListKind[];
  const kind = kinds.find((each) => Array.isArray(result[each]));
  const items = kind === undefined ? NO_ITEMS : objectsAt(result, kind);
  return kind === undefined ? [] : items.map((item) => definitionText(kind, item));
}
