import type { UserBehaviour, Phone } from './simulated-user.js';
import type { SeededRandom } from '../seeded-random.js';

const EVERYDAY: readonly UserBehaviour[] = ['careful', 'careless', 'racing', 'guessing', 'patient'];
const RETURNING = 5;
const LATE = 6;

/** Everybody with a phone. */
export class PhonePool {
  readonly phones: Phone[] = [];

  /** Who calls in an ordinary round: the regulars, some whom it has seen, and some new ones. */
  ordinary(random: SeededRandom): Phone[] {
    const regulars = this.phones.slice(0, EVERYDAY.length);
    const newcomers = EVERYDAY.map((habit) => this.newPhone(habit));
    const seen = Array.from({ length: RETURNING }, () => random.oneOf(this.phones));
    return [...new Set([...regulars, ...newcomers, ...seen])];
  }

  /** Who calls in a round in which a code lives for a second. */
  late(): Phone[] {
    return Array.from({ length: LATE }, () => this.newPhone('late'));
  }

  private newPhone(habit: UserBehaviour): Phone {
    const number = `+1415555${String(this.phones.length).padStart(4, '0')}`;
    const phone: Phone = { number, habit, pinId: undefined };
    this.phones.push(phone);
    return phone;
  }
}
