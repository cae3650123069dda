import { stringAt, type JsonObject } from './json.ts';

/** Revisions that brought kinds of content (docs/decisions/0028). */
const SINCE: Readonly<Record<string, string>> = {
  audio: '2025-03-26',
  resource_link: '2025-06-18',
};

/**
 * One item of content as clients of a protocol version know content: what came later becomes a resource that holds the same
 * bytes, or a text that says the same. The very same item where the version knows it, or no version does.
 */
export function contentFor(item: JsonObject, version: string): JsonObject {
  const type = stringAt(item, 'type') ?? '';
  const since = Object.hasOwn(SINCE, type) ? SINCE[type] : undefined;
  if (since === undefined || version >= since) return item;
  return type === 'audio' ? asResource(item) : asText(item);
}

/** The same item as a text that says it in JSON. */
export function asText(item: JsonObject): JsonObject {
  const { annotations, _meta: _hop, ...said } = item;
  const text = JSON.stringify(said);
  return { type: 'text', text, ...(annotations === undefined ? {} : { annotations }) };
}

/** Bytes have a place of their own since the first revision: that of an embedded resource. */
function asResource(item: JsonObject): JsonObject {
  const { type: _type, data, mimeType, ...rest } = item;
  if (typeof data !== 'string') return asText(item);
  const media = typeof mimeType === 'string' ? { mimeType } : {};
  return { type: 'resource', resource: { uri: AUDIO_URI, ...media, blob: data }, ...rest };
}

/** Names no resource that could be read: the bytes are with it. */
const AUDIO_URI = 'mcpx-content:audio';
