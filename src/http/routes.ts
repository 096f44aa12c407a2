// Every signed operation of the service: method, path, operation, scope, idempotent by key or not, handler.
// What is asked without a token (`POST /auth/token`, probes, pages, the sandbox's inspector) are open routes.

import { batchBodyBytesMax } from '../batches/limits.ts';
import type { ApprovalHandlers } from './approval-handlers.ts';
import type { BatchHandlers } from './batch-handlers.ts';
import type { BookHandlers } from './book-handlers.ts';
import type { ControlHandlers } from './control-handlers.ts';
import type { DeliveryHandlers } from './delivery-handlers.ts';
import type { EventHandlers } from './event-handlers.ts';
import type { FaultHandlers } from './fault-handlers.ts';
import type { HaltHandlers } from './halt-handlers.ts';
import type { LiquidationHandlers } from './liquidation-handlers.ts';
import type { MarketHandlers } from './market-handlers.ts';
import type { OnboardingHandlers } from './onboarding-handlers.ts';
import type { OrderHandlers } from './order-handlers.ts';
import type { OverviewHandlers } from './overview-handlers.ts';
import type { ParkedHandlers } from './parked-handlers.ts';
import type { SignedRoute } from './pipeline.ts';
import type { PositionHandlers } from './position-handlers.ts';
import type { PreTradeHandlers } from './pre-trade-handlers.ts';
import type { StatementHandlers } from './statement-handlers.ts';
import type { TrailHandlers } from './trail-handlers.ts';
import type { TunnelHandlers } from './tunnel-handlers.ts';
import type { WebhookHandlers } from './webhook-handlers.ts';

const liquidationRead = ['account_liquidations:read', 'account_liquidations:admin'] as const;
const liquidationAdmin = ['account_liquidations:admin'] as const;
const webhookRead = ['webhooks:read', 'webhooks:admin'] as const;
const webhookAdmin = ['webhooks:admin'] as const;
const accountRead = ['accounts:read', 'accounts:admin'] as const;
const userRead = ['users:read', 'users:admin'] as const;
const userAdmin = ['users:admin'] as const;
const accountAdmin = ['accounts:admin'] as const;
const positionRead = ['positions:read'] as const;
const orderRead = ['orders:read', 'orders:admin'] as const;
const instrumentRead = ['instruments:read'] as const;
const controlRead = ['controls:read', 'controls:admin'] as const;
const controlAdmin = ['controls:admin'] as const;
const haltRead = ['halts:read', 'halts:admin'] as const;
const haltAdmin = ['halts:admin'] as const;
const trailRead = ['trail:read'] as const;
const parkedRead = ['parked:read', 'parked:admin'] as const;
const parkedAdmin = ['parked:admin'] as const;
const batchRead = ['batches:read', 'batches:admin'] as const;
const batchAdmin = ['batches:admin'] as const;
// Which of them an approval needs depends on what was asked for.
const approvalRead = [...haltRead, ...batchRead] as const;
const approvalAdmin = [...haltAdmin, ...batchAdmin] as const;
const testsAdmin = ['tests:admin'] as const;

const ofAccount = '/accounts/:account_id/liquidations';
const ofLiquidation = `${ofAccount}/:account_liquidation_id`;
const ofDeliveries = '/webhooks/:webhook_id/deliveries';
const ofReplay = '/webhooks/:webhook_id/replay';
const ofTest = '/webhooks/:webhook_id/test';
const ofPreview = '/accounts/:account_id/liquidation_preview';
const ofStory = '/liquidations/:account_liquidation_id';
const ofStatement = `${ofStory}/statement`;
const ofBatch = '/batches/:batch_id';
const ofPositions = '/accounts/:account_id/positions';
const ofPosition = `${ofPositions}/:instrument_id`;
const ofOrders = '/accounts/:account_id/orders';
const ofExecutions = '/orders/:order_id/executions';
const ofExecution = `${ofExecutions}/:execution_id`;
const ofInstrument = '/instruments/:instrument_id';
const ofApproval = '/approvals/:approval_id';
const ofStopped = '/controls/stopped/:stop_id/release';
const ofFaults = '/tests/webhooks/:webhook_id/faults';
const ofTunnels = '/events-acceptor-service/endpoints';
const ofTunnel = `${ofTunnels}/:endpoint_id`;

/** The handlers of each room. */
export interface Handlers {
  readonly liquidations: LiquidationHandlers;
  readonly webhooks: WebhookHandlers;
  readonly deliveries: DeliveryHandlers;
  readonly events: EventHandlers;
  readonly book: BookHandlers;
  readonly orders: OrderHandlers;
  readonly control: ControlHandlers;
  readonly halts: HaltHandlers;
  readonly preTrade: PreTradeHandlers;
  readonly approvals: ApprovalHandlers;
  readonly batches: BatchHandlers;
  readonly overview: OverviewHandlers;
  readonly statements: StatementHandlers;
  readonly trail: TrailHandlers;
  readonly parked: ParkedHandlers;
  /** What only a sandbox has: in live mode these routes do not exist. */
  readonly tests?: TestHandlers | undefined;
}

export interface TestHandlers {
  readonly onboarding: OnboardingHandlers;
  readonly positions: PositionHandlers;
  readonly market: MarketHandlers;
  readonly tunnels: TunnelHandlers;
  readonly faults: FaultHandlers;
}

export function signedRoutes(handlers: Handlers): readonly SignedRoute[] {
  const { tests } = handlers;
  return [
    ...contractRoutes(handlers),
    ...controlRoutes(handlers),
    ...(tests === undefined ? [] : testRoutes(tests)),
  ];
}

// biome-ignore format: one line a route.
function contractRoutes({ liquidations, webhooks, deliveries, events, book, orders }: Handlers): readonly SignedRoute[] {
  return [
    { method: 'GET',    path: ofAccount,               operation: 'list_accounts_liquidations',   scopes: liquidationRead,  idempotent: false, handler: liquidations.list },
    { method: 'POST',   path: ofAccount,               operation: 'create_account_liquidation',   scopes: liquidationAdmin, idempotent: true,  handler: liquidations.create },
    { method: 'GET',    path: ofLiquidation,           operation: 'retrieve_account_liquidation', scopes: liquidationRead,  idempotent: false, handler: liquidations.retrieve },
    { method: 'DELETE', path: ofLiquidation,           operation: 'cancel_account_liquidation',   scopes: liquidationAdmin, idempotent: false, handler: liquidations.cancel },
    { method: 'GET',    path: '/webhooks',             operation: 'list_webhooks',                scopes: webhookRead,      idempotent: false, handler: webhooks.list },
    { method: 'POST',   path: '/webhooks',             operation: 'create_webhook',               scopes: webhookAdmin,     idempotent: false, handler: webhooks.create },
    { method: 'GET',    path: '/webhooks/:webhook_id', operation: 'retrieve_webhook',             scopes: webhookRead,      idempotent: false, handler: webhooks.retrieve },
    { method: 'PATCH',  path: '/webhooks/:webhook_id', operation: 'update_webhook',               scopes: webhookAdmin,     idempotent: false, handler: webhooks.update },
    { method: 'DELETE', path: '/webhooks/:webhook_id', operation: 'delete_webhook',               scopes: webhookAdmin,     idempotent: false, handler: webhooks.remove },
    { method: 'GET',    path: ofDeliveries,            operation: 'list_webhook_deliveries',      scopes: webhookRead,      idempotent: false, handler: deliveries.list },
    { method: 'POST',   path: ofReplay,                operation: 'replay_webhook',               scopes: webhookAdmin,     idempotent: false, handler: deliveries.replay },
    { method: 'POST',   path: ofTest,                  operation: 'test_webhook',                 scopes: webhookAdmin,     idempotent: false, handler: deliveries.test },
    { method: 'GET',    path: '/events',               operation: 'list_events',                  scopes: liquidationRead,  idempotent: false, handler: events.list },
    { method: 'GET',    path: '/auth/verify_keys',     operation: 'get_jwks',                     scopes: webhookRead,      idempotent: false, handler: deliveries.verifyKeys },
    { method: 'GET',    path: '/users',                operation: 'list_users',                   scopes: userRead,         idempotent: false, handler: book.listUsers },
    { method: 'GET',    path: '/users/:user_id',       operation: 'retrieve_user',                scopes: userRead,         idempotent: false, handler: book.retrieveUser },
    { method: 'GET',    path: '/accounts',             operation: 'list_accounts',                scopes: accountRead,      idempotent: false, handler: book.listAccounts },
    { method: 'GET',    path: '/accounts/:account_id', operation: 'retrieve_account',             scopes: accountRead,      idempotent: false, handler: book.retrieveAccount },
    { method: 'GET',    path: ofPositions,             operation: 'list_positions',               scopes: positionRead,     idempotent: false, handler: book.listPositions },
    { method: 'GET',    path: ofPosition,              operation: 'retrieve_position',            scopes: positionRead,     idempotent: false, handler: book.retrievePosition },
    { method: 'GET',    path: ofOrders,                operation: 'list_account_orders',          scopes: orderRead,        idempotent: false, handler: orders.list },
    { method: 'GET',    path: '/orders/:order_id',     operation: 'retrieve_order',               scopes: orderRead,        idempotent: false, handler: orders.retrieve },
    { method: 'GET',    path: ofExecutions,            operation: 'list_order_executions',        scopes: orderRead,        idempotent: false, handler: orders.listExecutions },
    { method: 'GET',    path: ofExecution,             operation: 'retrieve_order_execution',     scopes: orderRead,        idempotent: false, handler: orders.retrieveExecution },
    { method: 'GET',    path: '/instruments',          operation: 'list_instruments',             scopes: instrumentRead,   idempotent: false, handler: book.listInstruments },
    { method: 'GET',    path: ofInstrument,            operation: 'retrieve_instrument',          scopes: instrumentRead,   idempotent: false, handler: book.retrieveInstrument },
  ];
}

// biome-ignore format: one line a route.
function controlRoutes({ approvals, liquidations, control, events, halts, batches, overview, parked, preTrade, statements, trail }: Handlers): readonly SignedRoute[] {
  return [
    { method: 'GET',    path: '/overview',             operation: 'show_overview',                scopes: liquidationRead,  idempotent: false, handler: overview.show },
    { method: 'GET',    path: '/find',                 operation: 'find_by_id',                   scopes: liquidationRead,  idempotent: false, handler: overview.find },
    { method: 'GET',    path: '/liquidations',         operation: 'list_liquidations',            scopes: liquidationRead,  idempotent: false, handler: control.listLiquidations },
    { method: 'POST',   path: '/liquidations',         operation: 'schedule_liquidation',         scopes: liquidationAdmin, idempotent: true,  handler: liquidations.schedule },
    { method: 'GET',    path: '/stream',               operation: 'stream_events',                scopes: liquidationRead,  idempotent: false, handler: events.stream, type: 'text/event-stream' },
    { method: 'GET',    path: ofStory,                 operation: 'retrieve_liquidation',             scopes: liquidationRead,  idempotent: false, handler: control.retrieveLiquidation },
    { method: 'GET',    path: ofPreview,               operation: 'preview_account_liquidation',  scopes: liquidationRead,  idempotent: false, handler: liquidations.preview },
    { method: 'GET',    path: ofStatement,             operation: 'retrieve_liquidation_statement', scopes: liquidationRead, idempotent: false, handler: statements.retrieve },
    { method: 'GET',    path: '/halts',                operation: 'list_halts',                   scopes: haltRead,         idempotent: false, handler: halts.list },
    { method: 'POST',   path: '/halts',                operation: 'set_halt',                     scopes: haltAdmin,        idempotent: true,  handler: halts.set },
    { method: 'GET',    path: '/halts/:halt_id',       operation: 'retrieve_halt',                scopes: haltRead,         idempotent: false, handler: halts.retrieve },
    { method: 'POST',   path: '/halts/:halt_id/lift',  operation: 'lift_halt',                    scopes: haltAdmin,        idempotent: true,  handler: halts.lift },
    { method: 'GET',    path: '/controls',             operation: 'retrieve_controls',            scopes: controlRead,      idempotent: false, handler: preTrade.retrieve },
    { method: 'POST',   path: '/controls',             operation: 'set_controls',                 scopes: controlAdmin,     idempotent: true,  handler: preTrade.set },
    { method: 'GET',    path: '/controls/stopped',     operation: 'list_stopped_orders',          scopes: controlRead,      idempotent: false, handler: preTrade.listStopped },
    { method: 'POST',   path: ofStopped,               operation: 'release_stopped_order',        scopes: controlAdmin,     idempotent: true,  handler: preTrade.release },
    { method: 'GET',    path: '/approvals',            operation: 'list_approvals',               scopes: approvalRead,     idempotent: false, handler: approvals.list },
    { method: 'POST',   path: `${ofApproval}/approve`, operation: 'approve',                      scopes: approvalAdmin,    idempotent: true,  handler: approvals.approve },
    { method: 'POST',   path: `${ofApproval}/decline`, operation: 'decline_approval',             scopes: approvalAdmin,    idempotent: true,  handler: approvals.decline },
    { method: 'GET',    path: '/trail',                operation: 'list_acts',                    scopes: trailRead,        idempotent: false, handler: trail.list },
    { method: 'GET',    path: '/parked',               operation: 'list_parked',                  scopes: parkedRead,       idempotent: false, handler: parked.list },
    { method: 'POST',   path: '/parked/resume',        operation: 'resume_parked',                scopes: parkedAdmin,      idempotent: false, handler: parked.resume },
    { method: 'POST',   path: '/parked/close',         operation: 'close_parked',                 scopes: parkedAdmin,      idempotent: false, handler: parked.close },
    { method: 'GET',    path: '/batches',              operation: 'list_batches',                 scopes: batchRead,        idempotent: false, handler: batches.list },
    { method: 'POST',   path: '/batches',              operation: 'create_batch',                 scopes: batchAdmin,       idempotent: true,  handler: batches.create, bodyBytesMax: batchBodyBytesMax },
    { method: 'GET',    path: ofBatch,                 operation: 'retrieve_batch',               scopes: batchRead,        idempotent: false, handler: batches.retrieve },
    { method: 'GET',    path: `${ofBatch}/accounts`,   operation: 'list_batch_accounts',          scopes: batchRead,        idempotent: false, handler: batches.accounts },
    { method: 'POST',   path: `${ofBatch}/pause`,      operation: 'pause_batch',                  scopes: batchAdmin,       idempotent: true,  handler: batches.pause },
    { method: 'POST',   path: `${ofBatch}/resume`,     operation: 'resume_batch',                 scopes: batchAdmin,       idempotent: true,  handler: batches.resume },
    { method: 'POST',   path: `${ofBatch}/cancel`,     operation: 'cancel_batch',                 scopes: batchAdmin,       idempotent: true,  handler: batches.cancel },
  ];
}

// biome-ignore format: one line a route.
function testRoutes({ onboarding, positions, market, tunnels, faults }: TestHandlers): readonly SignedRoute[] {
  return [
    { method: 'POST',   path: '/users',                operation: 'create_user',                  scopes: userAdmin,        idempotent: true,  handler: onboarding.createUser },
    { method: 'DELETE', path: '/users/:user_id',       operation: 'offboard_user',                scopes: userAdmin,        idempotent: false, handler: onboarding.offboardUser },
    { method: 'POST',   path: '/accounts',             operation: 'create_account',               scopes: accountAdmin,     idempotent: true,  handler: onboarding.createAccount },
    { method: 'POST',   path: '/tests/instruments',    operation: 'put_instruments',              scopes: testsAdmin,       idempotent: true,  handler: onboarding.putInstruments },
    { method: 'POST',   path: '/tests/positions',      operation: 'apply_position_deltas',        scopes: testsAdmin,       idempotent: true,  handler: positions.applyDeltas },
    { method: 'GET',    path: '/tests/market',         operation: 'show_market',                  scopes: testsAdmin,       idempotent: false, handler: market.show },
    { method: 'POST',   path: '/tests/market',         operation: 'control_market',               scopes: testsAdmin,       idempotent: true,  handler: market.control },
    { method: 'GET',    path: ofFaults,                operation: 'show_webhook_faults',          scopes: testsAdmin,       idempotent: false, handler: faults.show },
    { method: 'POST',   path: ofFaults,                operation: 'set_webhook_faults',           scopes: testsAdmin,       idempotent: false, handler: faults.set },
    { method: 'DELETE', path: ofFaults,                operation: 'end_webhook_faults',           scopes: testsAdmin,       idempotent: false, handler: faults.end },
    { method: 'POST',   path: ofTunnels,               operation: 'open_events_endpoint',         scopes: webhookAdmin,     idempotent: false, handler: tunnels.open },
    { method: 'GET',    path: ofTunnel,                operation: 'poll_events_endpoint',         scopes: webhookAdmin,     idempotent: false, handler: tunnels.poll },
    { method: 'DELETE', path: ofTunnel,                operation: 'close_events_endpoint',        scopes: webhookAdmin,     idempotent: false, handler: tunnels.close },
  ];
}
