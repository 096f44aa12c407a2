// Queues of deliveries for tests that need no database.

import { DeliveryQueue, type QueueOptions } from '../../src/deliveries/delivery-queue.ts';
import { deliveryWindowBytesMax } from '../../src/deliveries/limits.ts';
import { newId } from '../../src/ids.ts';
import { usualSettings, type Webhook, type WebhookSettings } from '../../src/webhooks/webhook.ts';

export const startOfTime = new Date('2026-01-05T09:00:00.000Z');

export function settingsOf(settings: Partial<WebhookSettings>): Webhook {
  return {
    tenantId: newId<'tenant'>(),
    webhookId: newId<'webhook'>(),
    title: 'test',
    url: 'https://receiver.example/',
    ...usualSettings,
    enabled: true,
    createdAt: startOfTime,
    updatedAt: startOfTime,
    ...settings,
  };
}

export function queueOf(options: Partial<QueueOptions> = {}): DeliveryQueue {
  return new DeliveryQueue({
    webhook: settingsOf({}),
    standing: {
      offset: 0,
      attempts: 0,
      failingSince: undefined,
      nextAttemptAt: startOfTime,
      lastAttemptAt: undefined,
      lastSuccessAt: undefined,
      lastOutcome: undefined,
    },
    blocks: [],
    setAsideAttempts: 18,
    windowBytesMax: () => deliveryWindowBytesMax,
    newId,
    random: () => 0,
    ...options,
  });
}
