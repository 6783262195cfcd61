/**
 * Finds scenarios on disk and loads them. Those of this project run from what the build made of them; any other file is given to
 * Node.js as it is, so TypeScript needs a Node.js that strips types by itself. Limits: FILES_MAX scenarios in one run.
 */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isScenario, type Scenario } from '../sandbox/scenario.ts';
import { CliFailure } from './verb.ts';

const FILES_MAX = 1_000;
/** This file is `<project>/dist/src/cli/scenario-files.js` or, under a test runner, `<project>/src/cli/scenario-files.ts`. */
const HERE = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = HERE.endsWith(`dist${sep}`) ? HERE : null;

export interface FoundScenario {
  /** As it was given or found. */
  readonly path: string;
  readonly scenario: Scenario;
}

export async function loadScenarios(paths: readonly string[]): Promise<readonly FoundScenario[]> {
  const files = paths.flatMap(filesOf);
  if (files.length > FILES_MAX)
    throw new CliFailure(`${files.length} files: one run plays at most ${FILES_MAX} scenarios`);
  const found: FoundScenario[] = [];
  for (const path of files) found.push({ path, scenario: await load(path) });
  return found;
}

function filesOf(path: string): readonly string[] {
  if (!existsSync(path))
    throw new CliFailure(`there is no file or folder ${path}; scenarios of this project are in scenarios/`);
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path)
    .filter((name) => /\.(ts|mts|js|mjs)$/.test(name) && !/\.(test|d)\.m?ts$/.test(name))
    .sort()
    .map((name) => join(path, name));
  if (files.length === 0) throw new CliFailure(`the folder ${path} holds no scenarios (.ts, .js)`);
  return files;
}

async function load(path: string): Promise<Scenario> {
  const file = runnable(path);
  let module: { readonly scenario?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly scenario?: unknown };
  } catch (error) {
    throw new CliFailure(
      `${path} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  if (!isScenario(module.scenario)) {
    throw new CliFailure(
      `${path} exports no scenario: write export const scenario: Scenario = { name, description, run }`,
    );
  }
  return module.scenario;
}

/** What Node.js is to load for this file. */
function runnable(path: string): string {
  const file = resolve(path);
  if (!/\.m?ts$/.test(file)) return file;
  if (BUILT === null) return file;
  const inside = relative(resolve(BUILT, '..'), file);
  if (!inside.startsWith('..')) {
    const built = resolve(BUILT, inside.replace(/ts$/, 'js'));
    if (existsSync(built)) return built;
  }
  if ((process.features as { readonly typescript?: unknown }).typescript) return file;
  throw new CliFailure(
    `${path} is TypeScript, which Node.js ${process.version} does not run by itself: use Node.js 22.18 or later, put the file in the project's ` +
      'scenarios/ folder and run npm run build, or compile it and give the .js file',
  );
}
