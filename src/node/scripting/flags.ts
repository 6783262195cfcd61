/** What a script or a function tells of itself. [redis script.c scripts_flags_def] */

/** In Redis's order. */
export const SCRIPT_FLAGS = ['no-writes', 'allow-oom', 'allow-stale', 'no-cluster', 'allow-cross-slot-keys'] as const;

export type ScriptFlag = (typeof SCRIPT_FLAGS)[number];

export const isScriptFlag = (word: string): word is ScriptFlag => (SCRIPT_FLAGS as readonly string[]).includes(word);
