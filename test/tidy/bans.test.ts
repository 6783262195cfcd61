/** What may not be written in `src`, each with what to write instead. Time, chance and the network come through the world. */

import { describe, expect, it } from 'vitest';
import { sourceFiles } from './source-files.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Files that may. */
  readonly except: RegExp;
}

const SYSTEM = /^src\/world\/system-/;
const NEVER = /^$/;

const BANS: readonly Ban[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\)/, instead: 'world.clock.now()', except: SYSTEM },
  { pattern: /\bperformance\./, instead: 'world.clock.elapsed()', except: SYSTEM },
  { pattern: /\b(setTimeout|setInterval)\b/, instead: 'world.clock.after()', except: SYSTEM },
  {
    pattern: /\b(setImmediate|process\.nextTick)\b/,
    instead: 'world.clock.soon()',
    except: /^src\/world\/(system-|sim-)/,
  },
  { pattern: /\bMath\.random\b/, instead: 'world.random', except: NEVER },
  {
    pattern: /'node:(net|tls|dgram|dns|http|https|http2|timers)(\/[a-z]+)?'/,
    instead: 'world.network',
    except: SYSTEM,
  },
  { pattern: /'node:fs(\/promises)?'/, instead: 'world.files', except: /^src\/(cli\/|world\/system-)/ },
  {
    pattern: /\b(randomBytes|randomUUID|randomInt|randomFillSync|getRandomValues)\b/,
    instead: 'world.random.fork(name).bytes()',
    except: SYSTEM,
  },
  {
    pattern: /\bgenerateKeyPair(Sync)?\b/,
    instead: 'makeClusterCertificate',
    except: /^src\/cluster\/certificates\/x509\.ts$/,
  },
  { pattern: /\bconsole\./, instead: 'world.log.event(), or process.stdout in src/cli', except: NEVER },
  {
    pattern: /\bprocess\.(exit|stdout|stderr|on)\b/,
    instead: 'an outcome that src/cli acts on',
    except: /^src\/cli\//,
  },
  { pattern: /\bexport default\b/, instead: 'a named export', except: NEVER },
  { pattern: /\benum\s+[A-Z]/, instead: 'a union of literals', except: NEVER },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, instead: 'a type that is true', except: NEVER },
];

describe('bans', () => {
  const files = sourceFiles('src');
  for (const ban of BANS) {
    it(`${ban.pattern.source}: write ${ban.instead}`, () => {
      const found = files
        .filter((file) => !ban.except.test(file.path))
        .flatMap((file) =>
          file.code
            .split('\n')
            .filter((line) => ban.pattern.test(line))
            .map((line) => `${file.path}: ${line.trim()}  → write ${ban.instead}`),
        );
      expect(found).toEqual([]);
    });
  }

  it('see a planted fault', () => {
    const planted = 'const at = Date.now();';
    expect(BANS.some((ban) => ban.pattern.test(planted))).toBe(true);
  });
});
