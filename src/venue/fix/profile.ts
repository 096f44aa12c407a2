// How one FIX venue wants to be spoken to, as data: read from the venues file, so that another venue is
// another entry and no code. Versions of the protocol are a table for the same reason.

import { type Static, Type } from 'typebox';
import type { Field } from './codec.ts';

export type FixVersion = 'FIX.4.2' | 'FIX.4.4' | 'FIX.5.0SP2';

/** What differs between versions of the protocol. */
export interface VersionTerms {
  readonly beginString: string;
  /** ApplVerID in the Logon (FIX 1137), since FIXT.1.1. */
  readonly applicationVersion: string | undefined;
  /** ExecTransType (FIX 20) says what a report is, and fills are ExecType 1 and 2. */
  readonly hasExecTransType: boolean;
  /** HandlInst (FIX 21) is required. */
  readonly needsHandlInst: boolean;
}

export const versions: Readonly<Record<FixVersion, VersionTerms>> = {
  'FIX.4.2': {
    beginString: 'FIX.4.2',
    applicationVersion: undefined,
    hasExecTransType: true,
    needsHandlInst: true,
  },
  'FIX.4.4': {
    beginString: 'FIX.4.4',
    applicationVersion: undefined,
    hasExecTransType: false,
    needsHandlInst: false,
  },
  'FIX.5.0SP2': {
    beginString: 'FIXT.1.1',
    applicationVersion: '9',
    hasExecTransType: false,
    needsHandlInst: false,
  },
};

const text = (description: string, max = 64) => {
  return Type.String({ minLength: 1, maxLength: max, description });
};
/** A value that may stand in a field: printable ASCII. */
const value = Type.String({ minLength: 1, maxLength: 256, pattern: '^[ -~]+$' });
const fields = (description: string) => {
  return Type.Record(Type.String({ pattern: '^[1-9][0-9]{0,4}$' }), value, { description });
};
const whole = (minimum: number, maximum: number, description: string) => {
  return Type.Integer({ minimum, maximum, description });
};

const optional = Type.Optional;

const tlsSchema = Type.Object(
  {
    ca_file: optional(text('authority that signs the certificate of the venue, PEM', 1_024)),
    cert_file: optional(text('certificate of this side, PEM', 1_024)),
    key_file: optional(text('private key of that certificate, PEM', 1_024)),
    server_name: optional(text('name in the certificate of the venue, default: the host', 253)),
  },
  { additionalProperties: false },
);

const dayPattern = '^([01][0-9]|2[0-3]):[0-5][0-9]$';
const tradingDaySchema = Type.Object(
  {
    time_zone: text('IANA name of the time zone'),
    reset_time: Type.String({
      pattern: dayPattern,
      description: 'HH:MM at which both sides count from 1 again, at the first Logon after it',
    }),
  },
  { additionalProperties: false },
);

const amount = '(0\\.[0-9]{1,8}|[1-9][0-9]{0,8}(\\.[0-9]{1,8})?)';
const limitOrdersSchema = Type.Object(
  {
    collar: Type.String({
      pattern: `^([0-9]{1,2}(\\.[0-9]{1,4})?%|[1-9][0-9]{0,5} ticks?)$`,
      description: 'how far below the last price an order may sell: `2.5%` or `20 ticks`',
    }),
    tick_size: Type.String({
      pattern: `^${amount}$`,
      description: 'prices are multiples of this',
    }),
    price_age_max_s: optional(
      whole(1, 31_536_000, 'how old the last price may be; an order waits for a newer one'),
    ),
  },
  { additionalProperties: false },
);
export type LimitOrders = Static<typeof limitOrdersSchema>;

/** One entry of the venues file with `type` fix. */
export const fixProfileSchema = Type.Object(
  {
    type: Type.Literal('fix'),
    mic: Type.String({ pattern: '^[A-Z0-9]{4}$', description: 'ISO 10383' }),
    version: Type.Union([
      Type.Literal('FIX.4.2'),
      Type.Literal('FIX.4.4'),
      Type.Literal('FIX.5.0SP2'),
    ]),
    host: text('where the venue listens', 253),
    port: whole(1, 65_535, 'port of the venue'),
    tls: optional(tlsSchema),
    sender_comp_id: value,
    target_comp_id: value,
    heartbeat_s: optional(whole(1, 3_600, 'HeartBtInt (108); default 30')),
    logon_fields: optional(fields('fields of the Logon besides, by tag, such as 553 and 554')),
    header_fields: optional(fields('fields of every header besides, by tag, such as 50 and 57')),
    order_fields: optional(fields('fields of every order besides, by tag, such as 1 and 100')),
    symbology: optional(
      Type.Union([Type.Literal('isin'), Type.Literal('symbol')], {
        description: 'isin: 48 with 22=4, and 55; symbol: 55 as `symbols` says',
      }),
    ),
    symbols: optional(
      Type.Record(Type.String({ pattern: '^[A-Z]{2}[A-Z0-9]{9}[0-9]$' }), value, {
        description: 'Symbol (55) by ISIN',
      }),
    ),
    currency: optional(Type.String({ pattern: '^[A-Z]{3}$', description: 'Currency (15)' })),
    time_in_force: optional(
      Type.String({ pattern: '^[0-9]$', description: 'TimeInForce (59); default 0, day' }),
    ),
    limit_orders: optional(limitOrdersSchema),
    cancel_on_disconnect: optional(
      Type.Boolean({
        description:
          'the venue cancels open orders when the connection breaks: they are asked about at each ' +
          'Logon, and what it has cancelled by itself is tried again',
      }),
    ),
    messages_per_s: optional(whole(1, 100_000, 'most application messages a second')),
    trading_day: optional(tradingDaySchema),
    status_requests: optional(
      Type.Union([Type.Literal('mass'), Type.Literal('single'), Type.Literal('none')], {
        description: 'how open orders are asked for after a new day: AF, H, or not at all',
      }),
    ),
    sending_time_tolerance_s: optional(
      whole(1, 3_600, 'how far SendingTime may be off; default 120'),
    ),
  },
  { additionalProperties: false },
);

export type FixProfile = Static<typeof fixProfileSchema>;

/** Fields of the profile as they are written, by ascending tag. */
export function fieldsIn(given: Readonly<Record<string, string>> | undefined): readonly Field[] {
  const all = Object.entries(given ?? {}).map(([tag, text]): Field => [Number(tag), text]);
  return all.toSorted(([a], [b]) => a - b);
}
