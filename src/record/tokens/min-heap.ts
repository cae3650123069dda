/** Numbers of which the least is always at hand. */
export class MinHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above] ?? -Infinity;
      if (parent <= item) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  /** Takes out the least; undefined when there is none. */
  pop(): number | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (least === undefined || last === undefined || items.length === 0) return least;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      const right = items[child + 1] ?? Infinity;
      const left = items[child] ?? Infinity;
      const lesser = Math.min(left, right);
      if (lesser >= last) break;
      items[at] = lesser;
      at = right < left ? child + 1 : child;
    }
    items[at] = last;
    return least;
  }
}
