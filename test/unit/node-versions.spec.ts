import { readFileSync } from 'node:fs';
import { subset } from 'semver';

/** The part of a lock file that this spec reads. */
interface LockFile {
  readonly packages: Readonly<Record<string, { optional?: boolean; engines?: { node?: string } }>>;
}

describe('The Node versions in package.json', () => {
  // `.npmrc` sets `engine-strict`: `npm ci` fails if one package rejects the version of Node.
  it('are supported by every package that is always installed', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
    const own = packages['']?.engines?.node ?? '*';
    const tooNarrow = Object.entries(packages)
      .filter(([, { optional, engines }]) => !optional && !subset(own, engines?.node ?? '*'))
      .map(([path]) => path);

    expect(tooNarrow).toEqual([]);
    expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({
      engines: { node: own },
    });
  });
});
