import type { Phone, UserBehaviour } from './simulated-user.js';
import type { SeededRandom } from '../seeded-random.js';

/** The behaviours of the phones in ordinary runs. */
const BEHAVIOURS: readonly UserBehaviour[] = [
  'careful',
  'careless',
  'racing',
  'guessing',
  'patient',
];
const RETURNING_PHONES = 5;
const EXPIRY_PHONES = 6;

/** The phones of the whole test; each run of the service uses some of them. */
export class PhonePool {
  readonly phones: Phone[] = [];

  /** Phones for an ordinary run: those of the first run, a new one per behaviour, a few random. */
  selectForRun(random: SeededRandom): Phone[] {
    const regular = this.phones.slice(0, BEHAVIOURS.length);
    const added = BEHAVIOURS.map((behaviour) => this.addPhone(behaviour));
    const returning = Array.from({ length: RETURNING_PHONES }, () => random.oneOf(this.phones));
    return [...new Set([...regular, ...added, ...returning])];
  }

  /** Phones that submit codes around their expiry, for a run with codes of one second. */
  addExpiryPhones(): Phone[] {
    return Array.from({ length: EXPIRY_PHONES }, () => this.addPhone('expiry'));
  }

  private addPhone(behaviour: UserBehaviour): Phone {
    const number = `+1415555${String(this.phones.length).padStart(4, '0')}`;
    const phone: Phone = { number, behaviour, pinId: undefined };
    this.phones.push(phone);
    return phone;
  }
}
