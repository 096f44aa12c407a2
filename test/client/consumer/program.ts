// A program of an integrator, as it stands in a project that has installed the package: it
// liquidates an account and takes the deliveries. Run by pack.test.ts from there; in the repository
// its imports lead nowhere, so the compiler looks at it only there.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, Client, isLiquidationEvent, type Liquidation } from 'unwind/client';
import { DeliveryError, type WebhookEvent, webhookReceiver } from 'unwind/webhooks';

const [, , file = '', accountId = '', userId = ''] = process.argv;
const sandbox = JSON.parse(readFileSync(file, 'utf8'));
const [key] = sandbox.keys;

const client = new Client({
  baseUrl: sandbox.base_url,
  clientId: sandbox.client_id,
  clientSecret: sandbox.client_secret,
  keyId: key.key_id,
  privateKey: readFileSync(key.private_key_file, 'utf8'),
  scopes: ['account_liquidations:admin', 'webhooks:admin'],
  dialect: '9421',
});

const receiver = webhookReceiver({ keys: (signal) => client.webhooks.verifyKeys({ signal }) });
const seen: string[] = [];
const filled = Promise.withResolvers<Liquidation>();
const server = createServer(async (request, response) => {
  try {
    for (const event of await receiver.read(request)) take(event);
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(error instanceof DeliveryError ? error.status : 500).end();
  }
});

function take(event: WebhookEvent): void {
  switch (event.type) {
    case 'ACCOUNT_LIQUIDATION.FILLED': {
      const status: 'FILLED' = event.object.status;
      seen.push(status);
      filled.resolve(event.object);
      break;
    }
    case 'ACCOUNT_LIQUIDATION.NEW':
    case 'ACCOUNT_LIQUIDATION.PROCESSING':
      seen.push(event.object.status);
      break;
    default:
      throw new Error(`unexpected: ${event.type}`);
  }
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
const webhook = await client.webhooks.create({ title: 'Consumer', url, enabled: true });
const { id } = await client.liquidations.create(accountId, { user_id: userId });
const { cash_amount } = await filled.promise;
const late = await client.liquidations.cancel(accountId, id).catch((error: unknown) => error);
const logged: string[] = [];
for await (const event of client.events.list({ account_id: accountId })) {
  if (isLiquidationEvent(event)) logged.push(event.object.status);
}
const { resumed } = await client.webhooks.replay(webhook.id, { set_aside: true });
const attempts = await client.webhooks.deliveries(webhook.id, { result: 'failed' });
const listed: readonly Liquidation[] = await client.liquidations.list(accountId).all();
process.stdout.write(
  JSON.stringify({
    seen,
    cash_amount,
    late: late instanceof ApiError ? late.code : 'not refused',
    listed: listed.length,
    logged,
    failed: attempts.length,
    resumed,
  }),
);
server.close();
server.closeAllConnections();
