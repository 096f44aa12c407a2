// Names of message types and fields, for people who read a session's log. Source: FIX 4.4 volume 6.

import type { FixMessage } from './codec.ts';

const types: Readonly<Record<string, string>> = {
  '0': 'Heartbeat',
  '1': 'TestRequest',
  '2': 'ResendRequest',
  '3': 'Reject',
  '4': 'SequenceReset',
  '5': 'Logout',
  '8': 'ExecutionReport',
  '9': 'OrderCancelReject',
  A: 'Logon',
  AF: 'OrderMassStatusRequest',
  D: 'NewOrderSingle',
  F: 'OrderCancelRequest',
  H: 'OrderStatusRequest',
  j: 'BusinessMessageReject',
};

const tags: Readonly<Record<number, string>> = {
  1: 'Account',
  6: 'AvgPx',
  7: 'BeginSeqNo',
  11: 'ClOrdID',
  14: 'CumQty',
  15: 'Currency',
  16: 'EndSeqNo',
  17: 'ExecID',
  19: 'ExecRefID',
  20: 'ExecTransType',
  21: 'HandlInst',
  22: 'SecurityIDSource',
  31: 'LastPx',
  32: 'LastQty',
  34: 'MsgSeqNum',
  35: 'MsgType',
  36: 'NewSeqNo',
  37: 'OrderID',
  38: 'OrderQty',
  39: 'OrdStatus',
  40: 'OrdType',
  41: 'OrigClOrdID',
  43: 'PossDupFlag',
  44: 'Price',
  45: 'RefSeqNum',
  48: 'SecurityID',
  49: 'SenderCompID',
  50: 'SenderSubID',
  52: 'SendingTime',
  54: 'Side',
  55: 'Symbol',
  56: 'TargetCompID',
  57: 'TargetSubID',
  58: 'Text',
  59: 'TimeInForce',
  60: 'TransactTime',
  98: 'EncryptMethod',
  100: 'ExDestination',
  102: 'CxlRejReason',
  103: 'OrdRejReason',
  108: 'HeartBtInt',
  112: 'TestReqID',
  115: 'OnBehalfOfCompID',
  122: 'OrigSendingTime',
  123: 'GapFillFlag',
  128: 'DeliverToCompID',
  141: 'ResetSeqNumFlag',
  150: 'ExecType',
  151: 'LeavesQty',
  371: 'RefTagID',
  372: 'RefMsgType',
  373: 'SessionRejectReason',
  380: 'BusinessRejectReason',
  434: 'CxlRejResponseTo',
  553: 'Username',
  554: 'Password',
  584: 'MassStatusReqID',
  585: 'MassStatusReqType',
  925: 'NewPassword',
  1137: 'DefaultApplVerID',
};

const secrets: ReadonlySet<number> = new Set([96, 554, 925]);

/** Fields that every message has: they say nothing about this one. */
const usual: ReadonlySet<number> = new Set([8, 9, 10, 34, 35, 49, 52, 56]);

/** A message as a line of text: its type by name, then named fields, passwords masked. */
export function describeMessage({ type, fields }: FixMessage): string {
  const shown = fields
    .filter(([tag]) => !usual.has(tag))
    .map(([tag, value]) => `${tags[tag] ?? tag}=${secrets.has(tag) ? '***' : value}`);
  return [`${types[type] ?? `35=${type}`}`, ...shown].join(' ');
}
