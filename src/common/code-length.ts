/** The lengths that a code may have, in digits or letters. */
export const MIN_CODE_LENGTH = 4;
export const MAX_CODE_LENGTH = 10;
