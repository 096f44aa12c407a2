// All operations the service can have. A route names its operation; one without a part here does not
// compile: write it in the file of its room beside this one.

import { approvalOperations } from './approval-operations.ts';
import { batchOperations } from './batch-operations.ts';
import { bookOperations } from './book-operations.ts';
import { controlOperations } from './control-operations.ts';
import { deliveryOperations } from './delivery-operations.ts';
import { liquidationOperations, scheduleOperations } from './liquidation-operations.ts';
import { openOperations } from './open-operations.ts';
import type { OperationPart } from './operation.ts';
import { orderOperations } from './order-operations.ts';
import { overviewOperations } from './overview-operations.ts';
import { preTradeOperations } from './pre-trade-operations.ts';
import { previewOperations } from './preview-operations.ts';
import { sandboxOperations } from './sandbox-operations.ts';
import { userOperations } from './user-operations.ts';

const parts = {
  ...liquidationOperations,
  ...deliveryOperations,
  ...userOperations,
  ...bookOperations,
  ...orderOperations,
  ...controlOperations,
  ...batchOperations,
  ...overviewOperations,
  ...approvalOperations,
  ...preTradeOperations,
  ...previewOperations,
  ...scheduleOperations,
  ...openOperations,
  ...sandboxOperations,
} as const;

/** The `operationId` of an operation; those of the contract are its own. */
export type OperationId = keyof typeof parts;

export const operations: Readonly<Record<OperationId, OperationPart>> = parts;
