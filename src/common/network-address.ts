import ipaddr from 'ipaddr.js';

/**
 * Who is behind an address: an IPv4 address itself; of an IPv6 one the /64, within which a host
 * changes its address at will (RFC 8981). IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4.
 * @returns `undefined` for what is no address.
 */
export function networkOf(text: string): string | undefined {
  // Only dotted quads: the library would also take `10` or `0x7f.1`.
  if (!ipaddr.IPv6.isValid(text) && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  const address = ipaddr.process(text);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  const network = new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]);
  return `${network.toString()}/64`;
}

/** Whether this is an address, or a network as CIDR writes it (RFC 4632): `10.0.0.0/8`. */
export function isAddressOrCidr(text: string): boolean {
  const [address = ''] = text.split('/', 1);
  return networkOf(address) !== undefined && (address === text || ipaddr.isValidCIDR(text));
}
