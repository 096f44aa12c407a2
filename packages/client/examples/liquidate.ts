// Turns an account into cash and waits for the end.
import { readFileSync } from 'node:fs';
import { ApiError, Client, NoResponseError } from '@unwind/client';

const [, , accountId = '', userId = ''] = process.argv;

const client = new Client({
  baseUrl: process.env['BASE_URL'] ?? 'http://127.0.0.1:8080',
  clientId: process.env['CLIENT_ID'] ?? '',
  clientSecret: process.env['CLIENT_SECRET'] ?? '',
  keyId: process.env['KEY_ID'] ?? '',
  privateKey: readFileSync(process.env['KEY_FILE'] ?? 'private.pem', 'utf8'),
  scopes: ['account_liquidations:admin'],
});

try {
  const { id } = await client.liquidations.create(accountId, { user_id: userId });
  const ended = await client.liquidations.untilFinal(accountId, id);
  console.log(ended.status, ended.cash_amount, ended.currency);
} catch (error) {
  if (error instanceof NoResponseError) console.error(error.reason, error.message);
  else if (error instanceof ApiError) console.error(error.code, error.detail, error.requestId);
  else throw error;
  process.exitCode = 1;
}
