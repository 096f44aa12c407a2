// How a path names an instrument: `isin:…` or `uuid:…`, with or without `urn:` before it. Pure.

import { type Id, parseId } from '../ids.ts';
import { type Isin, isIsin } from './isin.ts';

export type InstrumentId = Id<'instrument'>;

export type InstrumentKey =
  | { readonly type: 'isin'; readonly isin: Isin }
  | { readonly type: 'uuid'; readonly instrumentId: InstrumentId };

/** The instrument that a path parameter names; undefined where it is of neither form. */
export function parseInstrumentKey(text: string): InstrumentKey | undefined {
  const [, scheme, name = ''] = /^(?:urn:)?(isin|uuid):(.+)$/.exec(text) ?? [];
  switch (scheme) {
    case 'isin':
      return isIsin(name) ? { type: 'isin', isin: name } : undefined;
    case 'uuid': {
      const instrumentId = parseId<'instrument'>(name);
      return instrumentId && { type: 'uuid', instrumentId };
    }
    default:
      return undefined;
  }
}
