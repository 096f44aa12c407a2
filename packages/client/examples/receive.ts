// Receives webhooks with Node's own server: verifies each delivery, then handles its events.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Client } from '@unwind/client';
import { isLiquidationEvent, type WebhookEvent, webhookReceiver } from '@unwind/client/webhooks';

const client = new Client({
  baseUrl: process.env['BASE_URL'] ?? 'http://127.0.0.1:8080',
  clientId: process.env['CLIENT_ID'] ?? '',
  clientSecret: process.env['CLIENT_SECRET'] ?? '',
  keyId: process.env['KEY_ID'] ?? '',
  privateKey: readFileSync(process.env['KEY_FILE'] ?? 'private.pem', 'utf8'),
  scopes: ['webhooks:read'],
});

/** Called once or more for each event: keep the ids of those that are done. */
async function handle(event: WebhookEvent): Promise<void> {
  if (isLiquidationEvent(event)) console.log(event.id, event.object.id, event.object.status);
}

const receiver = webhookReceiver({ keys: (signal) => client.webhooks.verifyKeys({ signal }) });
createServer(async (request, response) => {
  const { status, error } = await receiver.receive(request, handle);
  if (error !== undefined) console.error(error);
  response.writeHead(status).end();
}).listen(8081);
