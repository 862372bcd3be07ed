import { findClosestWord } from '../common/closest-word.js';
import { PROVIDER_NAMES } from '../common/provider-name.js';

/** Prefixes of this service's settings only. */
const OWN_PREFIX = new RegExp(
  `^(OTP|PROOF|PUMPING|THROTTLE|${PROVIDER_NAMES.join('|').toUpperCase()})_`,
);
/**
 * Variables of clients in the docs' examples, Kubernetes' variables for a service named `otp`, and the
 * proxies of other programs.
 */
const FOREIGN_NAME = /^(OTP_URL$|OTP_API_KEY$|OTP_SERVICE_|OTP_PORT)|^(all|ftp|https?|no)_proxy$/i;

/**
 * Finds variables that look like misspelt settings: the name is close to that of a setting, or begins
 * as only this service's settings do.
 * @returns a sentence for each, with the closest setting if one is close
 */
export const describeUnknownVariables = (
  names: string[],
  settingNames: readonly string[],
): string[] =>
  names
    .filter((name) => !settingNames.includes(name) && !FOREIGN_NAME.test(name))
    .flatMap((name) => {
      const closest = findClosestWord(name.toUpperCase(), settingNames);
      if (closest !== undefined) return `${name} is not a setting: did you mean ${closest}?`;
      return OWN_PREFIX.test(name) ? `${name} is not a setting.` : [];
    });
