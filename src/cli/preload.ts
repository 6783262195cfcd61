/**
 * `node --import antipode/preload app.js`: the program resolves the names of the running sandbox without a change in it; other names
 * go to the system as ever.
 */

import { patchLookup } from '../world/system-lookup.ts';
import { lookup } from './lookup.ts';

patchLookup(lookup);
