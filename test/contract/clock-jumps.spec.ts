import { hours, minutes, seconds } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type { Verification } from '../../src/storage/verification.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { NewVerification, SendAdmission } from '../../src/storage/send.types.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = PhoneNumber.fromE164('+14155552671');
const JUMP_MS = hours(2);
const evaluateTraffic = createTrafficEvaluator({
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 1_000,
  unverifiedRatio: 0.8,
});

/** A replica: its storage, its clock, and the requests of its clients. */
class Subject {
  opened!: OpenStore;
  private created = 0;

  constructor(
    readonly storage: TestStorage,
    public clock: FakeClock,
    private readonly settings: NodeJS.ProcessEnv,
  ) {}

  async open(): Promise<void> {
    this.opened = await this.storage.open(this.clock, this.settings);
  }

  /** Stops the replica, and starts it again on a machine whose clock was set back. */
  async restartSetBack(): Promise<void> {
    await this.opened.close();
    this.clock = new FakeClock(this.clock.now() - JUMP_MS);
    await this.open();
  }

  /** Sends to a new number of the same prefix, unless `changes` has another number. */
  async send(
    changes: Partial<NewVerification> = {},
    idempotency?: IdempotentRequest,
  ): Promise<SendAdmission> {
    this.created += 1;
    const number = PhoneNumber.fromE164(`+1415555${String(this.created).padStart(4, '0')}`);
    const { clock, opened } = this;
    const pinId = `pin-${String(this.created)}`;
    const verification = { ...newVerification(pinId, number, clock.now()), ...changes };
    const admission = await opened.store.reserveSend(verification, idempotency, evaluateTraffic);
    if (admission.outcome === 'admitted') {
      const sent = { provider: 'test-provider', pinId: 'any', possiblySentBy: [] };
      await opened.store.confirmSend(admission.reservation, sent, sendResponse(pinId));
    }
    return admission;
  }

  reserveAttempt(pinId: string) {
    const { clock, opened } = this;
    return opened.store.reserveAttempt({
      selector: { pinId },
      client: 'shop',
      reference: undefined,
      codeLength: 6,
      now: clock.now(),
    });
  }

  find(pinId: string) {
    return this.opened.store.find(pinId, 'shop', this.clock.now());
  }
}

/** A rule that is in force for a limited time, for example a cooldown. */
interface TimedRule {
  readonly title: string;
  readonly settings?: NodeJS.ProcessEnv;
  /** Lets the rule begin. @returns for how many milliseconds it is in force */
  readonly start: (subject: Subject) => Promise<number>;
  readonly isInForce: (subject: Subject) => Promise<boolean>;
}

const isLimited = ({ outcome }: { outcome: string }) => outcome === 'limited';
const sendToNumber = (subject: Subject) => subject.send({ phoneNumber: NUMBER });
const sendForEndUser = (subject: Subject) => subject.send({ endUserAddress: '203.0.113.7' });
const sendWithKey = (subject: Subject) =>
  subject.send({ phoneNumber: NUMBER }, { key: 'key', request: 'POST /otp/send a' });

const RULES: readonly TimedRule[] = [
  {
    title: 'the cooldown',
    settings: { SEND_COOLDOWN: '60m' },
    start: async (subject) => {
      await sendToNumber(subject);
      return minutes(60);
    },
    isInForce: async (subject) => isLimited(await sendToNumber(subject)),
  },
  {
    title: 'the daily limit of a number',
    settings: { SENDS_PER_NUMBER_PER_DAY: '1' },
    start: async (subject) => {
      await sendToNumber(subject);
      return hours(24);
    },
    isInForce: async (subject) => isLimited(await sendToNumber(subject)),
  },
  {
    title: 'the hourly limit of an end user',
    settings: { SENDS_PER_END_USER_IP_PER_HOUR: '1' },
    start: async (subject) => {
      await sendForEndUser(subject);
      return hours(1);
    },
    isInForce: async (subject) => isLimited(await sendForEndUser(subject)),
  },
  {
    title: 'the daily limit of a client',
    settings: { CLIENT_SENDS_PER_DAY: '1' },
    start: async (subject) => {
      await subject.send();
      const admission = await subject.send();
      // Up to five minutes more than 24 hours, because sends are counted in buckets.
      if (!('until' in admission)) throw new Error(admission.outcome);
      return admission.until - subject.clock.now();
    },
    isInForce: async (subject) => isLimited(await subject.send()),
  },
  {
    title: 'the hourly limit of wrong codes',
    settings: { FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1' },
    start: async (subject) => {
      const expiresAt = subject.clock.now() + hours(24);
      await subject.send({ pinId: 'pin', expiresAt });
      // So the wrong code is the newest time stored, and not the verification.
      subject.clock.advance(hours(1));
      const attempt = await subject.reserveAttempt('pin');
      if (attempt.outcome !== 'granted') throw new Error(attempt.outcome);
      const { clock, opened } = subject;
      await opened.store.completeAttempt(attempt.attempt, 'wrong_code', clock.now());
      return hours(1);
    },
    isInForce: async (subject) => isLimited(await subject.reserveAttempt('pin')),
  },
  {
    title: 'the suspension of a destination',
    start: async (subject) => {
      for (let i = 0; i < 100; i += 1) {
        const admission = await subject.send();
        if (admission.outcome === 'suspended') return admission.until - subject.clock.now();
      }
      throw new Error('never suspended');
    },
    isInForce: async (subject) => (await subject.send()).outcome === 'suspended',
  },
  {
    title: 'a code',
    start: async (subject) => {
      await subject.send({ pinId: 'pin' });
      return minutes(5);
    },
    isInForce: async (subject) => {
      const { status } = (await subject.find('pin')) as Verification;
      return status === 'pending';
    },
  },
  {
    title: 'an idempotency key',
    start: async (subject) => {
      await sendWithKey(subject);
      return hours(24);
    },
    isInForce: async (subject) => (await sendWithKey(subject)).outcome === 'replayed',
  },
  {
    title: 'a stored verification',
    settings: { RETENTION: '1d' },
    start: async (subject) => {
      await subject.send({ pinId: 'pin' });
      return hours(24);
    },
    isInForce: async (subject) => {
      await subject.opened.runCleanup();
      return (await subject.find('pin')) !== undefined;
    },
  },
];

describe.each(DATABASES)('With %s', (_engine, newStorage) => {
  // This test fails without `Math.min` of `getBlockedUntil` in sliding-window.ts.
  it('a replica whose clock is behind returns a wait of at most the cooldown', async () => {
    const subject = new Subject(await newStorage(), new FakeClock(), { SEND_COOLDOWN: '30s' });
    await subject.open();
    const now = subject.clock.now();
    await subject.send({ phoneNumber: NUMBER, createdAt: now + seconds(5) });

    const until = now + seconds(30);
    expect(await sendToNumber(subject)).toMatchObject({ outcome: 'limited', until });
    await subject.opened.close();
    await subject.storage.removeData();
  });

  describe.each(RULES)('$title', ({ settings = {}, start, isInForce }) => {
    let subject: Subject;

    beforeEach(async () => {
      subject = new Subject(await newStorage(), new FakeClock(), settings);
      await subject.open();
    });

    afterEach(async () => {
      await subject.opened.close();
      await subject.storage.removeData();
    });

    /** Lets the rule begin, interrupts in the middle, and expects it to last exactly its length. */
    async function expectFullLength(interrupt: () => void): Promise<void> {
      const lengthMs = await start(subject);
      const middleMs = Math.floor(lengthMs / 2);
      subject.clock.advance(middleMs);
      interrupt();
      expect(await isInForce(subject)).toBe(true);
      subject.clock.advance(lengthMs - middleMs - 1);
      expect(await isInForce(subject)).toBe(true);
      subject.clock.advance(1);
      expect(await isInForce(subject)).toBe(false);
    }

    // The next two tests fail without `aheadMs` of `applyReading` in clock.ts.
    it('lasts its full length when the clock is set back', async () => {
      await expectFullLength(() => {
        subject.clock.moveWallClock(-JUMP_MS);
      });
    });

    it('lasts its full length when a clock that was ahead is corrected', async () => {
      subject.clock.moveWallClock(JUMP_MS);
      await expectFullLength(() => {
        subject.clock.moveWallClock(-JUMP_MS);
      });
    });

    it('lasts its full length when a clock that was behind is corrected', async () => {
      subject.clock.moveWallClock(-JUMP_MS);
      await expectFullLength(() => {
        subject.clock.moveWallClock(JUMP_MS);
      });
    });

    it('does not last longer than its length when the clock is set forward', async () => {
      const lengthMs = await start(subject);
      subject.clock.advance(lengthMs / 2);
      subject.clock.moveWallClock(JUMP_MS);
      subject.clock.advance(lengthMs / 2);

      expect(await isInForce(subject)).toBe(false);
    });

    // This test fails without `advanceTo` in clock-synchronizer.ts.
    it('is still in force after a restart with the clock set back, but not for longer than its length', async () => {
      const lengthMs = await start(subject);
      subject.clock.advance(lengthMs / 2);
      await subject.restartSetBack();
      expect(await isInForce(subject)).toBe(true);
      subject.clock.advance(lengthMs);

      expect(await isInForce(subject)).toBe(false);
    });
  });
});
