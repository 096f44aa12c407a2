// Looks for a place in a list that is sorted.

/**
 * The place of the first item that a condition holds for, or the length of the list; the condition
 * holds for all items behind one that it holds for. O(log n).
 */
export function firstWhere<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item === undefined || holds(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
