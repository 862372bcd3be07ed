import { CHANNELS, type Channel } from '../../common/channel.js';
import type { SinchMethod } from './sinch.types.js';

export const SINCH_METHODS: Record<Channel, SinchMethod> = {
  sms: 'sms',
  voice: 'callout',
  whatsapp: 'whatsapp',
};

/** `undefined` for a method that this service never asks for, such as a flash call. */
export const findChannel = (method: unknown): Channel | undefined =>
  CHANNELS.find((channel) => SINCH_METHODS[channel] === method);
