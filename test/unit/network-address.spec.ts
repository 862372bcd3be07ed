import { isAddressOrCidr, normalizeIp } from '../../src/common/network-address.js';

describe('normalizeIp', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:0DB8:0:0:ffff:ffff:ffff:ffff', '2001:db8::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['64:ff9b::192.0.2.1', '192.0.2.1'],
    ['64:ff9b::c000:201', '192.0.2.1'],
    ['64:ff9b:1::c000:201', '64:ff9b:1::/64'],
  ])('maps %s to %s', (address, network) => {
    expect(normalizeIp(address)).toBe(network);
  });

  it.each(['', '10', '1.2.3', '01.2.3.4', '1.2.3.4:80', '0x7f.0.0.1', '[::1]', 'localhost', ':::'])(
    'rejects "%s"',
    (text) => {
      expect(normalizeIp(text)).toBeUndefined();
    },
  );
});

describe('isAddressOrCidr', () => {
  it.each(['10.0.0.0/8', '::1', '2001:db8::/32', '192.0.2.1'])('accepts %s', (text) => {
    expect(isAddressOrCidr(text)).toBe(true);
  });

  it.each(['10/8', '10.0.0.0/33', '10.0.0.0/', '/8', 'loopback', ''])('rejects "%s"', (text) => {
    expect(isAddressOrCidr(text)).toBe(false);
  });
});
