// The operations of the contract page with the responses it lists, as data.

/** Statuses by operation: the success first. */
export const contractOperations = {
  list_accounts_liquidations: [200, 400, 401, 403, 404, 405, 406, 429, 500, 503, 504],
  create_account_liquidation: [
    202, 400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, 500, 503, 504,
  ],
  retrieve_account_liquidation: [200, 400, 401, 403, 404, 405, 406, 429, 500, 503, 504],
  cancel_account_liquidation: [204, 400, 401, 403, 404, 405, 406, 409, 429, 500, 503, 504],
  issue_token: [200, 400, 401, 403, 405, 406, 413, 415, 429, 500, 503, 504],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type ContractOperation = keyof typeof contractOperations;
