import { readFileSync } from 'node:fs';

const PAGE = readFileSync('docs/operating.md', 'utf8');

/** The tests have no Docker or Kubernetes: of `docker run … otp doctor`, they run `otp doctor`. */
const ENGINE = 'needs a container engine';

/** The start of each command in the text of the page, the file that runs it, and the call there. */
const INLINE_COMMANDS: readonly (readonly [start: string, file: string, call: string])[] = [
  ['npm run doctor', 'test/e2e/outbound.spec.ts', "runBuiltCommand('doctor'"],
  ['npm run infobip:setup', 'test/e2e/infobip-setup.spec.ts', "runBuiltCommand('infobip:setup'"],
  ['npm run keys:new -- ', 'test/slow/container.spec.ts', 'npm run --silent keys:new -- shop'],
  ['npm run proof:new', 'test/e2e/proof-new.spec.ts', "runCommand('proof:new'"],
  ['npm run pumping:replay', 'test/e2e/pumping-replay.spec.ts', 'npm run pumping:replay -- '],
  ['npm run usage', 'test/e2e/usage.spec.ts', 'npm run usage -- '],
  ['npm run build', 'test/slow/readme.spec.ts', 'npm run build'],
  ['npm run bench', '.ci/bench', 'test/bench/.build/bench/main.js'],
  ['npm start', 'test/slow/readme.spec.ts', 'npm ci && npm start'],
  ['otp doctor', 'test/slow/container.spec.ts', "'otp doctor'"],
  ['otp infobip:setup', 'test/slow/container.spec.ts', "'otp infobip:setup --dry-run'"],
  ['otp keys:new', 'test/slow/container.spec.ts', "'otp keys:new shop'"],
  ['otp proof:new', 'test/slow/container.spec.ts', "'otp proof:new'"],
  ['otp pumping:replay', 'test/slow/container.spec.ts', "'otp pumping:replay'"],
  ['otp usage', 'test/slow/container.spec.ts', "'otp usage --from"],
  ['ACL SETUSER', 'test/contract/redis-outages.spec.ts', 'ACL SETUSER otp'],
  ['ALTER ROLE otp', 'test/slow/operating.spec.ts', 'ALTER ROLE otp'],
  ['docker run', ENGINE, ''],
  ['docker compose exec otp-1 ', ENGINE, ''],
  ['kubectl exec', ENGINE, ''],
];

describe('docs/operating.md', () => {
  it('contains only settings that the configuration reference describes', () => {
    const blocks = [...PAGE.matchAll(/```ini\n([^]*?)```/g)].map(([, block = '']) => block);
    const names = blocks.flatMap((block) => block.match(/^\w+(?==)/gm) ?? []);
    const reference = readFileSync('docs/configuration.md', 'utf8');

    expect(names).not.toEqual([]);
    expect(names.filter((name) => !reference.includes(`| \`${name}\``))).toEqual([]);
  });

  it('names only commands in its text that a test or CI runs, or that need a container engine', () => {
    const commands = PAGE.matchAll(/`((?:npm(?! run`)|otp|docker|kubectl|ALTER|ACL) [^`]+)`/g);
    const texts = [...commands].map(([, text = '']) => text.replace(/\s+/g, ' '));

    expect(
      texts.filter((text) => !INLINE_COMMANDS.some(([start]) => text.startsWith(start))),
    ).toEqual([]);
    for (const [start, file, call] of INLINE_COMMANDS) {
      expect(texts.filter((text) => text.startsWith(start))).not.toEqual([]);
      if (file !== ENGINE) expect(readFileSync(file, 'utf8')).toContain(call);
    }
  });

  // The tests run the program itself.
  it.each(['doctor', 'infobip:setup', 'keys:new', 'proof:new', 'pumping:replay', 'usage'])(
    'names `npm run %s`, which runs that command of the program',
    (name) => {
      const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
        scripts: Record<string, string>;
      };
      expect(scripts[name]).toBe(`npm run --silent build:once && node dist/cli/main.js ${name}`);
    },
  );
});
