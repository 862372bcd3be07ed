import { Router, type RequestHandler } from 'express';
import { checkCodeOfNumber, sendCode } from './otp.js';
import { hashPassword } from './passwords.js';
import { limitRequests, PasswordReset, PhoneNumber } from './requests.js';
import { findVerifiedUser, setPassword } from './users.js';

/**
 * Answers the same, and before the message is sent, whether or not the number has an account. So neither
 * the answer nor its time reveals which numbers have one.
 */
const forgotPassword: RequestHandler = async (request, response) => {
  const { phoneNumber } = PhoneNumber.parse(request.body);
  const user = await findVerifiedUser(phoneNumber);
  response.status(202).json({ message: 'If this number has an account, we sent a code to it.' });
  if (!user) return;
  sendCode('reset-password', phoneNumber, request.ip).catch((error: unknown) => {
    request.log.warn({ err: error }, 'the code of a password reset was not sent');
  });
};

/** Answers the same for every code that is not accepted, and for a number without an account. */
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
