import { isObject, type Json, type JsonObject } from '../kernel/json.ts';

/** The object with one value changed, or the very same object where nothing changes. */
export function changed(
  holder: JsonObject,
  key: string,
  change: (value: Json) => Json,
): JsonObject {
  const value = holder[key];
  if (value === undefined) return holder;
  const next = change(value);
  return next === value ? holder : { ...holder, [key]: next };
}

/** An array with its objects changed, or the very same array where none changes. */
export function mapItems(value: Json, change: (item: JsonObject) => JsonObject): Json {
  if (!Array.isArray(value)) return value;
  let isChanged = false;
  const items = value.map((item) => {
    const next = isObject(item) ? change(item) : item;
    isChanged ||= next !== item;
    return next;
  });
  return isChanged ? items : value;
}
