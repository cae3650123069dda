/** Any JSON value as parsed; objects may miss keys. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** A JSON object of unknown shape; what we do not know passes through untouched. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** Tells a JSON object from arrays, null and scalars. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under a key, or undefined when it is missing or of another type. */
export function objectAt(parent: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = parent?.[key];
  return isObject(value) ? value : undefined;
}

/** The string under a key, or undefined when it is missing or of another type. */
export function stringAt(parent: JsonObject | undefined, key: string): string | undefined {
  const value = parent?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** The objects of the array under a key; anything else in it is dropped. */
export function objectsAt(parent: JsonObject | undefined, key: string): JsonObject[] {
  const value = parent?.[key];
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}
