/** Characters of a value's JSON text; infinite where it cannot be written as JSON, as what is nested too deep. */
export function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return Infinity;
  }
}
