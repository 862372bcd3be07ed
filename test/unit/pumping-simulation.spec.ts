import { minutes } from '../../src/common/durations.js';
import { PumpingSimulation } from '../../src/destinations/pumping-simulation.js';

const START = Date.UTC(2030, 0, 1);
const SETTINGS = { mode: 'enforce', floorPerHour: 2, floorPerDay: 2, unverifiedRatio: 1 } as const;

describe('PumpingSimulation', () => {
  // This test fails without `MAX_VERIFIED_SENDS` in pumping-simulation.ts.
  it('counts at most two messages of a verification as verified, as the service does', () => {
    const simulation = new PumpingSimulation(SETTINGS, minutes(5));
    const addRecord = (afterMs: number, sends: number, verifiedAfterMs: number | null) => {
      const created_at = START + afterMs;
      simulation.addRecord({
        pin_id: String(afterMs),
        client: 'shop',
        country: 'CH',
        prefix_hash: 'prefix',
        number_hash: String(afterMs),
        created_at,
        verified_at: verifiedAfterMs === null ? null : created_at + verifiedAfterMs,
        sends,
      });
    };

    // Of these four messages two are verified. With the floor, the budget is four unverified ones.
    addRecord(0, 4, minutes(1));
    for (const afterMs of [15, 16, 30].map(minutes)) addRecord(afterMs, 1, null);
    expect(simulation.listBlockedCounts()).toEqual([]);
    addRecord(minutes(45), 1, null);

    expect(simulation.listBlockedCounts()).toMatchObject([{ blocked: 1, verified: 0 }]);
  });
});
