// Chance at the simulated venue: what looks random follows from the seed of the market and the order,
// so that the same order is always treated the same.

import { createHash } from 'node:crypto';

/** What is drawn; draws for different things do not depend on each other. */
export type Draw = 'asked' | 'interrupted' | 'price' | 'shuffle' | 'start';

/** 0 up to 2^32 - 1. */
export function randomOf(draw: Draw, from: { seed: string; clientOrderId: string }): number {
  const { seed, clientOrderId } = from;
  return createHash('sha256').update(`${seed}/${draw}/${clientOrderId}`).digest().readUInt32BE(0);
}
