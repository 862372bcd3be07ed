import { randomBytes } from 'node:crypto';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { pino } from 'pino';
import { pinoHttp } from 'pino-http';
import { handleError } from './error-handler.js';
import { otpRoutes } from './otp-routes.js';
import { rejectOtherOrigins } from './same-origin.js';

const { PORT = '3001', HOST = '127.0.0.1', SESSION_SECRET, NODE_ENV } = process.env;
const isProduction = NODE_ENV === 'production';
if (isProduction && !SESSION_SECRET) throw new Error('Set SESSION_SECRET.');

const log = pino();
const app = express();
app.disable('x-powered-by');
// Behind a reverse proxy, also set 'trust proxy', so that req.ip is the user's address: limits use it.
app.use(
  pinoHttp({
    logger: log,
    // Headers contain the session cookie; bodies, which contain numbers and codes, are never logged.
    serializers: {
      req: ({ id, method, url }) => ({ id, method, url }),
      res: ({ statusCode }) => ({ statusCode }),
    },
  }),
);
app.use(helmet());
app.use(express.static('public'));
app.use((_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
});
app.use(
  session({
    name: 'session',
    secret: SESSION_SECRET ?? randomBytes(32).toString('base64'),
    // The memory store is for one process. In production use a store of express-session's list.
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'strict', secure: isProduction, maxAge: 30 * 60_000 },
  }),
);
app.use(rejectOtherOrigins);
app.use(express.json({ limit: '2kb' }));
app.use(otpRoutes);
app.use(handleError);

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  log.info(`Listening on http://${HOST}:${PORT}`);
});
process.once('SIGTERM', () => server.close());
