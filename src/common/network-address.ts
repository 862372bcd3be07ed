import ipaddr from 'ipaddr.js';

/** The prefix of IPv4 addresses that a gateway translates to IPv6 (NAT64). */
const TRANSLATED_IPV4 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * The part of an IP address that identifies a host: an IPv4 address, also if written as IPv6
 * (`::ffff:192.0.2.1`) or translated to IPv6 (`64:ff9b::192.0.2.1`, RFC 6052), or the /64 of an IPv6
 * address. Within its /64, a host changes its address freely (RFC 8981).
 * @returns `undefined` if the text is no address.
 */
export function normalizeIp(text: string): string | undefined {
  // IPv4 with four decimal parts only: `IPv4.isValid` would also accept `10` or `0x7f.1`.
  if (!ipaddr.IPv6.isValid(text) && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  const address = ipaddr.process(text);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  if (address.match(TRANSLATED_IPV4)) {
    return new ipaddr.IPv4(address.toByteArray().slice(12)).toString();
  }
  const network = new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]);
  return `${network.toString()}/64`;
}

/** Whether a text is an IP address or a CIDR range (RFC 4632) such as `10.0.0.0/8`. */
export function isAddressOrCidr(text: string): boolean {
  const [address = ''] = text.split('/', 1);
  return normalizeIp(address) !== undefined && (address === text || ipaddr.isValidCIDR(text));
}

/** `localhost`, a name below it (RFC 6761 §6.3) or an address of this machine; with any port. */
const LOOPBACK_AUTHORITY = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d*)?$/i;

/** Whether a `Host` names this machine. Its text decides, so DNS has no part in it. */
export const isLoopbackAuthority = (host: string): boolean => LOOPBACK_AUTHORITY.test(host);
