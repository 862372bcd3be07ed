import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { otpRoutes } from './otp-routes.js';
import { rejectOtherOrigins } from './same-origin.js';

const { PORT = '3001', HOST = '127.0.0.1', SESSION_SECRET, NODE_ENV } = process.env;
if (NODE_ENV === 'production' && !SESSION_SECRET) throw new Error('Set SESSION_SECRET.');

// Behind a reverse proxy, also set 'trust proxy', so that request.ip is the visitor's address: limits use it.
const app = express();
// `upgrade-insecure-requests` would make browsers load the page's files over HTTPS, which this lacks.
app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
// The page as `npm run build` made it. While you develop, Vite serves it.
app.use(express.static(join(import.meta.dirname, '../client')));

app.use('/api', rejectOtherOrigins, express.json({ limit: '1kb' }), (_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
});
app.use(
  '/api',
  session({
    name: 'session',
    secret: SESSION_SECRET ?? randomBytes(32).toString('base64'),
    // The memory store is for one process. In production use another store of express-session's list.
    resave: false,
    saveUninitialized: false,
    // Scripts cannot read the cookie, and other sites cannot make a browser send it.
    cookie: { httpOnly: true, sameSite: 'strict', secure: 'auto', maxAge: 30 * 60_000 },
  }),
);
app.use('/api/otp', otpRoutes);
app.use('/api', (_request, response) => {
  response.status(404).json({ error: 'There is no such route.' });
});

const handleError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status = error?.status >= 400 && error.status < 500 ? error.status : 500;
  // The error of a malformed body quotes the body, so only other errors are logged.
  if (status === 500) console.error(error);
  response.status(status).json({ error: 'The request failed.' });
};
app.use(handleError);

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  console.log(`Listening on http://${HOST}:${PORT}`);
});
process.once('SIGTERM', () => server.close());
