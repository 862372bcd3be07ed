import { Logger } from '@nestjs/common';
import { closeToOthers } from '../../src/storage/engines/sqlite-permissions.js';

describe('closeToOthers', () => {
  it('warns and says what to do if the mode of a file cannot be changed', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();

    // Not even root can change the mode of this file.
    closeToOthers('/proc/self/status');

    expect(warn.mock.calls).toEqual([
      [
        'Other users of this machine could read /proc/self/status (mode 444), and it cannot be changed ' +
          '(EPERM). As its owner, run chmod go= /proc/self/status',
      ],
    ]);
  });
});
