// What settings demand of each other, once each is right by itself.

import { isLoopbackName } from '../egress/address.ts';
import type { Role } from './roles.ts';
import type { Mode } from './setting.ts';

/** The settings that are asked about each other. */
export interface Demanding {
  readonly mode: Mode;
  readonly roles: ReadonlySet<Role>;
  readonly listen: { readonly host: string };
  readonly keyFile: string | undefined;
  readonly trail: { readonly file: string | undefined; readonly keyFile: string | undefined };
  readonly venue: {
    readonly name: string | undefined;
    readonly profiles: readonly { readonly type: string }[] | undefined;
    readonly simulatesFills: boolean;
  };
  readonly requests: {
    readonly endsTlsAtProxy: boolean;
    readonly trustedProxies: readonly string[];
    readonly certificateHeader: string | undefined;
  };
  readonly record: string | undefined;
}

/** Whether the settings name the venue that only pretends to sell. */
export function isSimulated({
  name,
  profiles,
}: Pick<Demanding['venue'], 'name' | 'profiles'>): boolean {
  return name === 'simulated' || profiles?.some(({ type }) => type === 'simulated') === true;
}

/** What one setting demands of another. */
export function faultsBetween(values: Demanding, namesVenuesFile: boolean): readonly string[] {
  const { mode, venue, keyFile, listen, requests, roles, trail } = values;
  const faults: string[] = [];
  if (venue.name !== undefined && venue.name !== 'simulated') {
    faults.push('UNWIND_VENUE is not simulated.');
  }
  if (venue.name !== undefined && namesVenuesFile) {
    faults.push('UNWIND_VENUE and UNWIND_VENUES_FILE both name a venue: set one of them.');
  }
  if (requests.certificateHeader !== undefined && requests.trustedProxies?.length === 0) {
    faults.push(
      'UNWIND_TRUSTED_PROXIES is needed with UNWIND_CERTIFICATE_HEADER: the header counts only from these.',
    );
  }
  if (mode === 'live' && trail.file !== undefined && trail.keyFile === undefined) {
    faults.push(
      'UNWIND_TRAIL_KEY_FILE is needed with UNWIND_TRAIL_FILE in live mode: unwind trail key FILE makes one.',
    );
  }
  if (mode !== 'live') return faults;
  if (venue.name === undefined && !namesVenuesFile) {
    faults.push(
      'UNWIND_VENUES_FILE is needed in live mode: it names the venue that orders go to (docs/venues/).',
    );
  }
  if (isSimulated(venue) && !venue.simulatesFills) {
    const place = venue.name === undefined ? 'UNWIND_VENUES_FILE names' : 'UNWIND_VENUE is';
    faults.push(
      `${place} ${venue.name ?? 'the simulated venue'}: it invents its fills and sells nothing. ` +
        'To run live mode on it all the same, set UNWIND_SIMULATE_FILLS=yes.',
    );
  }
  if (values.record !== undefined) {
    faults.push('UNWIND_RECORD keeps what clients send: only a sandbox does that. Unset it.');
  }
  if (keyFile === undefined) faults.push('UNWIND_KEY_FILE is needed in live mode.');
  if (roles?.has('api') && !isLoopbackName(listen.host) && !requests.endsTlsAtProxy) {
    faults.push(
      `HOST ${listen.host} is reached from other machines, and tokens and secrets would cross the network ` +
        'in plain HTTP. Put a proxy that ends TLS in front and set UNWIND_TLS_PROXY=yes, or listen ' +
        'on 127.0.0.1.',
    );
  }
  return faults;
}
