// Examples of bodies: those the contract prints, and our own where it prints none.

import type { LiquidationStatus } from '../../liquidations/liquidation.ts';

const accountId = 'debf2026-f2da-4ff0-bb84-92e45babb1e3';
const at = '2021-07-21T14:10:00.000Z';

export const newLiquidation = {
  account_id: accountId,
  cash_amount: '1000',
  created_at: at,
  currency: 'EUR',
  id: 'b2f541dc-a27b-4d5a-b970-41812b0892b9',
  orders: [],
  status: 'NEW',
  updated_at: at,
  user_id: '81dfb00e-9be6-4617-8994-dfd0407f34df',
} as const;

export const releasedLiquidation = {
  account_id: 'f2f7d2c7-d79b-4de2-ae9b-d01646259f9e',
  cash_amount: '100.00',
  created_at: '2021-07-21T14:10:00.00Z',
  currency: 'EUR',
  id: 'f386fdc4-dcd8-4dce-8acb-dae332f51483',
  orders: [
    { id: '79f2c816-13ed-4588-85e6-f3398b0b5825', side: 'SELL', status: 'NEW' },
    { id: '44f50a4e-7ce8-4eae-a078-f4b3d8ab4708', side: 'SELL', status: 'NEW' },
  ],
  status: 'PROCESSING',
  updated_at: '2021-07-21T14:10:00.00Z',
  user_id: '4b9732bd-7496-4e91-8a5f-6360479d7fed',
} as const;

export const listedLiquidation = {
  account_id: accountId,
  cash_amount: '1000',
  created_at: at,
  currency: 'EUR',
  id: 'c5869b0c-e107-4e68-a89a-57ad43253dd6',
  orders: [
    { id: 'b291d8a4-21f5-4c52-8590-4f90ce54d0b1', side: 'SELL', status: 'NEW' },
    { id: '81d02bd9-7b9d-443d-bbfa-31df4d543f7d', side: 'SELL', status: 'PROCESSING' },
    { id: 'e97fb564-ebb4-4f37-930a-bda49c09a2e4', side: 'SELL', status: 'FILLED' },
  ],
  status: 'PROCESSING',
  updated_at: at,
} as const;

export const createRequest = { user_id: '084a00a8-4a37-4d2d-b276-71ec5e2be0e3' } as const;

const webhookId = 'b838bde5-b6df-4f1f-bfc4-71d3fb01d430';

export const newEvent = {
  created_at: '2021-07-21T14:10:00.00Z',
  id: '56510309-d9de-4730-9b5b-4a0ed047f3a9',
  object: newLiquidation,
  type: 'ACCOUNT_LIQUIDATION.NEW',
  webhook_id: webhookId,
} as const;

/** The event of another status, with an object that fits it. */
/** Of the orders in an event of each status. */
const orderStatuses = {
  PROCESSING: 'NEW',
  FILLED: 'FILLED',
  SETTLED: 'FILLED',
  CANCELLED: 'CANCELLED',
} as const;

export function eventOf(status: LiquidationStatus): object {
  if (status === 'NEW') return newEvent;
  const orderStatus = orderStatuses[status];
  const orders = status === 'CANCELLED' ? [] : releasedLiquidation.orders;
  return {
    ...newEvent,
    type: `ACCOUNT_LIQUIDATION.${status}`,
    object: {
      ...newLiquidation,
      cash_amount: status === 'CANCELLED' ? '0.00' : '1000.00',
      orders: orders.map((order) => ({ ...order, status: orderStatus })),
      status,
    },
  };
}

export const webhookView = {
  id: webhookId,
  created_at: at,
  updated_at: at,
  title: 'Back office',
  url: 'https://hooks.example.com/unwind',
  enabled: true,
  type: ['ACCOUNT_LIQUIDATION'],
  config: { delay: '1s', signature_version: '15', signature_algorithm: 'ed25519' },
} as const;

export const webhookRequest = {
  title: webhookView.title,
  url: webhookView.url,
  type: webhookView.type,
  enabled: true,
  config: webhookView.config,
} as const;

export const attemptView = {
  id: '0198f3ce-4f2b-7c10-9a53-6d0c2f1be111',
  kind: 'delivery',
  attempted_at: at,
  duration_ms: 48,
  status: 503,
  outcome: 'answered 503',
  response: 'try later',
  attempt: 2,
  events: 1,
  first_event_id: newEvent.id,
  last_event_id: newEvent.id,
} as const;

export const testView = {
  url: webhookView.url,
  response: { status: 204, headers: { date: 'Wed, 21 Jul 2021 14:10:00 GMT' }, body: '' },
} as const;

export const publicKeys = {
  keys: [
    {
      kid: '8d4997a8-cf7a-4e51-adbb-401656a3e5c2',
      use: 'sig',
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    },
  ],
} as const;

export const tokenResponse = {
  access_token: 'c2VjcmV0Cg',
  expires_in: 1_800,
  scope: 'account_liquidations:admin account_liquidations:read',
  token_type: 'bearer',
} as const;

export const tokenRequest = {
  client_id: 'ebabcf4d-61c3-4942-875c-e265a7c2d062',
  client_secret: 'c2VjcmV0Cg',
  grant_type: 'client_credentials',
  scope: 'account_liquidations:admin account_liquidations:read',
} as const;

export const revokeRequest = {
  client_id: 'ebabcf4d-61c3-4942-875c-e265a7c2d062',
  client_secret: 'c2VjcmV0Cg',
  token: 'q7cTqfGqdXnTqIpJnq6QpXNpXzYhEcx0dXl2y2nD4bQ',
} as const;
