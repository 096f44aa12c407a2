// Other databases on the server of the tests, and another way to it.

/** The same address with another database name, for administration beside the service's own. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** The same database by a Unix socket of its server, where there is one. */
export function bySocket(url: string, directory: string): string {
  if (directory === '') return url;
  const changed = new URL(url);
  changed.searchParams.set('host', directory);
  return changed.href;
}
