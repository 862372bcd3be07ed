import { join } from 'node:path';
import type { NextConfig } from 'next';

const config: NextConfig = {
  poweredByHeader: false,
  // The folder of this example and of the client, which is linked. Not needed with the packed client.
  turbopack: { root: join(import.meta.dirname, '../..') },
  headers: async () => [
    {
      source: '/:path*',
      headers: [
        // No other site can show the page in a frame, to trick users into clicks.
        { key: 'content-security-policy', value: "frame-ancestors 'none'; base-uri 'none'" },
        // With `no-referrer`, browsers would leave the origin out of forms, and Next would refuse them.
        { key: 'referrer-policy', value: 'same-origin' },
        { key: 'x-content-type-options', value: 'nosniff' },
      ],
    },
  ],
};

export default config;
