// The usual tutorial code: Express, axios and a Map. It stores nothing durably and checks nothing.
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import axios from 'axios';
import express from 'express';

const { PORT, UPSTREAM } = process.env;
const pins = new Map();
const app = express();
app.use(express.json());

app.post('/otp/send', async (request, response) => {
  const { phoneNumber } = request.body;
  const { data } = await axios.post(
    `${UPSTREAM}/2fa/2/pin?ncNeeded=true`,
    { applicationId: 'application', messageId: 'message', to: phoneNumber.slice(1) },
    { headers: { authorization: 'App key' } },
  );
  const pinId = randomUUID();
  pins.set(pinId, data.pinId);
  response.json({ pinId });
});

app.post('/otp/verify', async (request, response) => {
  const { pinId, otpCode } = request.body;
  const { data } = await axios.post(
    `${UPSTREAM}/2fa/2/pin/${pins.get(pinId)}/verify`,
    { pin: otpCode },
    { headers: { authorization: 'App key' } },
  );
  if (data.verified) pins.delete(pinId);
  response.json({ verified: data.verified });
});

app.listen(Number(PORT), '127.0.0.1');
