import { Router, type RequestHandler } from 'express';
import { checkCodeOfNumber, sendCode } from './otp.js';
import { hashPassword } from './passwords.js';
import { limitRequests, PasswordReset, PhoneNumber } from './requests.js';
import { findVerifiedUser, setPassword } from './users.js';

/**
 * Sends a code whether or not the number has an account. Otherwise the cooldown of the number, which
 * registration shows, would reveal which numbers have one.
 */
const forgotPassword: RequestHandler = async (request, response) => {
  const { phoneNumber } = PhoneNumber.parse(request.body);
  await sendCode('reset-password', phoneNumber, request.ip);
  response.status(202).json({ message: 'We sent a code to this number.' });
};

/** Answers a number without an account as if the code were wrong. */
const resetPassword: RequestHandler = async (request, response) => {
  const { phoneNumber, code, password } = PasswordReset.parse(request.body);
  const [user, passwordHash] = await Promise.all([
    findVerifiedUser(phoneNumber),
    hashPassword(password),
  ]);
  const isRight = await checkCodeOfNumber('reset-password', phoneNumber, code);
  if (!isRight || !user) {
    const message = 'The code is wrong or no longer valid. Ask for a new one.';
    response.status(401).json({ error: 'wrong_code', message });
    return;
  }
  await setPassword(user.id, passwordHash);
  response.json({ message: 'Your password is changed. Sign in with it.' });
};

export const passwordResetRoutes = Router()
  .post('/forgot-password', limitRequests, forgotPassword)
  .post('/reset-password', limitRequests, resetPassword);
