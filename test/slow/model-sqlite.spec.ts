import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeModelTest } from '../support/model/describe-model-test.js';

// SQLite is for one replica.
describeModelTest('The service on SQLite', {
  replicas: 1,
  createStorage: async () => {
    const DATA_DIR = mkdtempSync(join(tmpdir(), 'otp-model-'));
    return {
      settings: { DATA_DIR },
      removeData: async () => {
        rmSync(DATA_DIR, { recursive: true });
      },
    };
  },
});
