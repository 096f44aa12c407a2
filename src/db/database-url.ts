// Reads database URLs as far as the service does itself; the driver reads the rest.

/** What messages name of a URL: never the password. `place` is host and port, or the socket. */
export function targetOf(url: string) {
  const { hostname, port, username, pathname, searchParams } = URL.canParse(url)
    ? new URL(url)
    : new URL(url.replace('@/', '@localhost/').replace('///', '//localhost/'));
  const host = searchParams.get('host') ?? decodeURIComponent(hostname || 'localhost');
  const role = decodeURIComponent(searchParams.get('user') ?? username);
  const database = decodeURIComponent(pathname.slice(1)) || role;
  const usedPort = searchParams.get('port') ?? (port || '5432');
  const place = host.startsWith('/') ? `${host}/.s.PGSQL.${usedPort}` : `${host}:${usedPort}`;
  return { host, place, role, database };
}
