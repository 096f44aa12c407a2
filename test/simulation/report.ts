// How a simulated run is told: one line, and the command that repeats it.
import type { Outcome } from './world.ts';

/** The one command that repeats a run, step by step. */
export function commandFor({ seed, liquidations }: { seed: number; liquidations: number }): string {
  return `npm run test:simulation -- --seed ${seed} --liquidations ${liquidations}`;
}

export function told(seed: number, outcome: Outcome): string {
  const { faults, steps, lockWaits, deadlocks, simulatedMs, digest } = outcome;
  const troubles = [...outcome.troubles].map(([name, count]) => `${name} ${count}`).join(', ');
  return [
    `seed ${seed}: ${faults.length === 0 ? 'clean' : `${faults.length} FAULTS`}`,
    `${steps} steps in ${(simulatedMs / 1_000).toFixed(1)} simulated s`,
    `${lockWaits} lock waits, ${deadlocks} conflicts`,
    troubles,
    digest.slice(0, 12),
  ].join('; ');
}
