// Reads database URLs as far as the service does itself; the driver reads the rest.

/** The same address with another database name, for administration beside the service's own. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
