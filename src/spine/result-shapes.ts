import { contentFor } from '../kernel/content-shapes.ts';
import { isObject, objectsAt, stringAt, type Json, type JsonObject } from '../kernel/json.ts';
import { changed, mapItems } from './changed.ts';

const STRUCTURED_SINCE = '2025-06-18';

/** A tool's result as clients of a protocol version can read it, with nothing lost (docs/decisions/0028). */
export function toolResultFor(result: JsonObject, version: string, isLegacy: boolean): JsonObject {
  if (result['task'] !== undefined || !isComplete(result)) return result;
  const shown = isLegacy ? contentShown(result, version) : result;
  if (shown['structuredContent'] !== undefined)
    return isLegacy
      ? structuredFor(shown, version)
      : withText(shown, Array.isArray(shown['content']));
  return Array.isArray(shown['content']) ? shown : { ...shown, content: [] };
}

/** Up to 2025-11-25 structured content is an object; before 2025-06-18 it is something that clients do not look at. */
function structuredFor(result: JsonObject, version: string): JsonObject {
  const { structuredContent, ...rest } = result;
  const hasContent = Array.isArray(result['content']);
  if (!isObject(structuredContent)) {
    const { content } = withText(result, false);
    return { ...rest, content };
  }
  const isUnseen = version < STRUCTURED_SINCE && objectsAt(result, 'content').length === 0;
  return withText(result, hasContent && !isUnseen);
}

/** A result whose content says its structured content too, unless that needs no saying. */
function withText(result: JsonObject, isSaid: boolean): JsonObject {
  if (isSaid) return result;
  const { structuredContent = null } = result;
  const content = objectsAt(result, 'content');
  if (content.some((item) => carries(item, structuredContent))) return { ...result, content };
  const text = { type: 'text', text: JSON.stringify(structuredContent) };
  return { ...result, content: [...content, text] };
}

/** A prompt's result as clients of a protocol version can read it. */
export function promptResultFor(result: JsonObject, version: string): JsonObject {
  return changed(result, 'messages', (messages) =>
    mapItems(messages, (message) =>
      changed(message, 'content', (content) =>
        isObject(content) ? contentFor(content, version) : content,
      ),
    ),
  );
}

function contentShown(result: JsonObject, version: string): JsonObject {
  return changed(result, 'content', (content) =>
    mapItems(content, (item) => contentFor(item, version)),
  );
}

function isComplete({ resultType }: JsonObject): boolean {
  return resultType === undefined || resultType === 'complete';
}

/** Whether a text says a value: as it stands, or in JSON, however that is written. */
function carries(item: JsonObject, value: Json): boolean {
  const text = item['type'] === 'text' ? stringAt(item, 'text') : undefined;
  if (text === undefined) return false;
  if (text === value) return true;
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return false;
  }
}
