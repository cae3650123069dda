/**
 * Values by key that come and go with every call. A `Map` would keep them long after: each time it makes room, its former
 * table points to the next, and as soon as one of them is old, a collection of young objects takes all later ones, with what
 * they hold, for reachable (docs/decisions/0027).
 */
export class Transients<K extends string | number, V> {
  #byKey: Record<string | number, V> = Object.create(null) as Record<string | number, V>;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    if (this.#size === 0) return undefined;
    return this.#byKey[nameOf(key)];
  }

  has(key: K): boolean {
    return this.#size > 0 && nameOf(key) in this.#byKey;
  }

  set(key: K, value: V): void {
    const name = nameOf(key);
    if (!(name in this.#byKey)) this.#size += 1;
    this.#byKey[name] = value;
  }

  /** Whether there was one. */
  delete(key: K): boolean {
    if (this.#size === 0) return false;
    const name = nameOf(key);
    if (!(name in this.#byKey)) return false;
    delete this.#byKey[name];
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#byKey = Object.create(null) as Record<string | number, V>;
    this.#size = 0;
  }

  /** Those of whole numbers by their numbers, then all others, oldest first. */
  values(): readonly V[] {
    return Object.values(this.#byKey);
  }
}

/** Numbers and texts of the same digits are different keys. */
function nameOf(key: string | number): string | number {
  return typeof key === 'number' ? key : `s${key}`;
}
