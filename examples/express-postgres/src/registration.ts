import { Router, type Request, type RequestHandler } from 'express';
import { isOtpError } from 'otp-service-client';
import { describeRejection } from './messages.js';
import { otp, sendCode } from './otp.js';
import { checkPassword, hashPassword } from './passwords.js';
import { Code, Credentials, limitRequests, Login } from './requests.js';
import {
  addUser,
  findSessionUser,
  findVerifiedUser,
  markPhoneVerified,
  type SessionUser,
} from './users.js';

declare module 'express-session' {
  interface SessionData {
    /** A registration that waits for its code. Only the server knows the `pinId`. */
    registration: { userId: string; phoneNumber: string; pinId: string };
    /** The user who signed in. Trust it only with `findSessionUser`. */
    user: SessionUser;
  }
}

/**
 * Answers the same whether or not the number has an account. Only the correct code reveals it. Only a user
 * who is signed out registers: this request saves its session when it ends, and would restore a session
 * that a logout ended meanwhile.
 */
const register: RequestHandler = async (request, response) => {
  const { user } = request.session;
  if (user && (await findSessionUser(user))) {
    response
      .status(409)
      .json({ error: 'signed_in', message: 'You are signed in. Sign out first.' });
    return;
  }
  const { phoneNumber, password } = Credentials.parse(request.body);
  const userId = await addUser(phoneNumber, await hashPassword(password));
  await sendRegistrationCode(request, userId, phoneNumber);
  response.status(202).json({ message: 'We sent a code to this number.' });
};

async function sendRegistrationCode(request: Request, userId: string, phoneNumber: string) {
  const { pinId } = await sendCode(`register-${userId}`, phoneNumber, request.ip);
  request.session.registration = { userId, phoneNumber, pinId };
}

const resendCode: RequestHandler = async (request, response) => {
  const { registration } = request.session;
  if (!registration) {
    response.status(409).json({ error: 'no_code', message: 'Register first.' });
    return;
  }
  try {
    await otp.resend({ pinId: registration.pinId });
  } catch (error) {
    // The code has expired or has no attempts left, so send a new one.
    if (!isOtpError(error, 'not_resendable', 'resend_limit_reached', 'verification_not_found'))
      throw error;
    await sendRegistrationCode(request, registration.userId, registration.phoneNumber);
  }
  response.status(202).json({ message: 'We sent a code to this number.' });
};

const verifyPhone: RequestHandler = async (request, response) => {
  const { code } = Code.parse(request.body);
  const { registration } = request.session;
  if (!registration) {
    response.status(409).json({ error: 'no_code', message: 'Register first.' });
    return;
  }
  const { pinId, userId } = registration;
  const result = await otp.verify({ pinId, otpCode: code, reference: `register-${userId}` });
  if (!result.verified) {
    const message = describeRejection(result);
    response.status(401).json({ error: result.reason, message });
    return;
  }
  const user = await markPhoneVerified(userId);
  if (!user) {
    const message = 'This number has an account. Sign in, or reset its password.';
    response.status(409).json({ error: 'number_taken', message });
    return;
  }
  await signIn(request, user);
  response.json({ message: 'Your number is verified.' });
};

/** Answers the same, and as fast, for an unknown number and a wrong password. */
const login: RequestHandler = async (request, response) => {
  const { phoneNumber, password } = Login.parse(request.body);
  const user = await findVerifiedUser(phoneNumber);
  if (!(await checkPassword(password, user?.passwordHash)) || !user) {
    const message = 'The number or the password is wrong.';
    response.status(401).json({ error: 'wrong_credentials', message });
    return;
  }
  await signIn(request, user);
  response.json({ message: 'You are signed in.' });
};

/** Signs in with a new session id: an id that an attacker planted in the browser is then worthless. */
async function signIn(request: Request, { id, sessionVersion }: SessionUser): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request.session.regenerate((error) => (error ? reject(error) : resolve()));
  });
  request.session.user = { id, sessionVersion };
}

const showAccount: RequestHandler = async (request, response) => {
  const { user } = request.session;
  const account = user && (await findSessionUser(user));
  if (account) response.json(account);
  else response.status(401).json({ error: 'signed_out', message: 'Sign in first.' });
};

const logout: RequestHandler = async (request, response) => {
  await new Promise<void>((resolve, reject) => {
    request.session.destroy((error) => (error ? reject(error) : resolve()));
  });
  response.status(204).end();
};

export const registrationRoutes = Router()
  .post('/register', limitRequests, register)
  .post('/resend-otp', limitRequests, resendCode)
  .post('/verify-phone', limitRequests, verifyPhone)
  .post('/login', limitRequests, login)
  .post('/logout', logout)
  .get('/account', showAccount);
