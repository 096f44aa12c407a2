// Whether the service may listen where its settings say: looked at before a database is made for it.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Config, ConfigError } from './config.ts';

type Address = Config['listen'];

/** @throws ConfigError when the port is in use or closed to this account, or the host is none of ours. */
export async function checkAddress(address: Address): Promise<void> {
  const server = createServer();
  server.listen({ ...address, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explainListening(error, address);
  }
  server.close();
  await once(server, 'close');
}

/** Turns what listening throws into words; other errors come back as they are. */
export function explainListening(error: unknown, { host, port }: Address): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const sentence: Readonly<Record<string, string>> = {
    EADDRINUSE: `The port ${port} is in use; choose another with PORT.`,
    EACCES:
      `This account may not listen on port ${port}: ports below 1024 need a right. ` +
      'Choose another with PORT, or give the right CAP_NET_BIND_SERVICE.',
    EADDRNOTAVAIL:
      `HOST ${host} is not an address of this machine. 127.0.0.1 is reached from this machine ` +
      'alone, 0.0.0.0 from everywhere.',
    ENOTFOUND: `HOST ${host} is not an address, and a host of that name is not known.`,
    EAI_AGAIN: `HOST ${host} is not an address, and the name server does not answer.`,
    EINVAL: `HOST ${host} is not an address to listen on.`,
    EAFNOSUPPORT: `HOST ${host} is an IPv6 address, and this machine has no IPv6.`,
  };
  const found = sentence[code];
  return found === undefined ? error : new ConfigError(found, { cause: error });
}
