import { reply, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.js';
import type { StoredFlow } from './scenario.js';

/** Starts a fake Infobip that checks the codes an earlier build sent, and accepts every send. */
export async function startScriptedInfobip(
  flows: readonly StoredFlow[],
): Promise<ScriptedUpstream> {
  const upstream = await startScriptedUpstream();
  upstream.answer((response) => {
    const { path = '', body = '' } = upstream.requests.at(-1) ?? {};
    const [, pinId = 'NEW', operation] = /\/pin\/(\w+)\/(\w+)/.exec(path) ?? [];
    const flow = flows.find(({ providerPinId }) => providerPinId === pinId);
    const { pin } = JSON.parse(body || '{}') as { pin?: string };
    const sent = { pinId, smsStatus: 'MESSAGE_SENT' };
    if (operation !== 'verify') reply(200, sent)(response);
    else if (pin !== flow?.code) reply(200, { verified: false, pinError: 'WRONG_PIN' })(response);
    else reply(200, { verified: true, msisdn: flow?.phoneNumber.slice(1) })(response);
  });
  return upstream;
}
