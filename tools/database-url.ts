// Other databases on the server of the tests.

/** The same address with another database name, for administration beside the service's own. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
