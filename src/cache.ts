// How caches are bounded by their entries.

/** Options of lru-cache. Its own option `max` takes the memory of all entries at once, filled or not. */
export const cacheOf = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });
