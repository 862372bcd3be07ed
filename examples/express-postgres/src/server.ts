import { randomBytes } from 'node:crypto';
import connectPgSimple from 'connect-pg-simple';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { pino } from 'pino';
import { pinoHttp } from 'pino-http';
import { migrate, pool } from './database.js';
import { handleError } from './error-handler.js';
import { passwordResetRoutes } from './password-reset.js';
import { registrationRoutes } from './registration.js';
import { rejectOtherOrigins } from './same-origin.js';

const { PORT = '3001', HOST = '127.0.0.1', SESSION_SECRET, NODE_ENV } = process.env;
const isProduction = NODE_ENV === 'production';
if (isProduction && !SESSION_SECRET) throw new Error('Set SESSION_SECRET.');

const log = pino();
// Without a listener, an idle connection that breaks would end the process. The pool opens a new one.
pool.on('error', ({ message }) => {
  log.error(`A connection to PostgreSQL broke: ${message}`);
});
await migrate();

const app = express();
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
const PostgresStore = connectPgSimple(session);
app.use(
  session({
    name: 'session',
    secret: SESSION_SECRET ?? randomBytes(32).toString('base64'),
    store: new PostgresStore({ pool }),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'strict', secure: isProduction, maxAge: 24 * 3_600_000 },
  }),
);
app.use(rejectOtherOrigins);
app.use(express.json({ limit: '2kb' }));
app.use(registrationRoutes, passwordResetRoutes);
app.use(handleError);

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  log.info(`Listening on http://${HOST}:${PORT}`);
});
process.once('SIGTERM', () => {
  server.close(() => void pool.end());
});
