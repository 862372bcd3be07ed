// better-auth's phone-number plugin on its memory adapter, set up as in its documentation. It
// generates and checks the codes itself and calls no provider.
import { createServer } from 'node:http';
import process from 'node:process';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { phoneNumber } from 'better-auth/plugins';

const { PORT } = process.env;
const tables = { user: [], session: [], account: [], verification: [] };
// The memory adapter searches the whole table for each row, so the table is kept small.
const MAX_USERS = 100;

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: 'a secret of the bench, of no use anywhere else',
  database: memoryAdapter(tables),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    phoneNumber({
      sendOTP: ({ code }, context) => {
        if (tables.user.length > MAX_USERS) tables.user.length = 0;
        context.setHeader('x-code', code);
      },
      signUpOnVerification: {
        getTempEmail: (number) => `${number.slice(1)}@example.com`,
      },
    }),
  ],
});

createServer(toNodeHandler(auth)).listen(Number(PORT), '127.0.0.1');
