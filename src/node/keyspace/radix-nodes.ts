/**
 * How many nodes the radix tree has in which Redis keeps the nodes of a stream: XINFO tells it. The tree is packed: a run of bytes
 * without a branch is one node. [redis rax.c]
 */

const ID_BYTES = 16;

/** Of the ids, ascending, each as 16 bytes. */
export function radixNodes(ids: readonly bigint[]): number {
  if (ids.length === 0) return 1;
  return nodesOf(ids, 0, ids.length, 0);
}

const byteAt = (id: bigint, at: number): bigint => (id >> BigInt(8 * (ID_BYTES - 1 - at))) & 0xffn;

/** Of the ids from `start` to `end`, which have the same first `depth` bytes. */
function nodesOf(ids: readonly bigint[], start: number, end: number, depth: number): number {
  if (end - start === 1) return depth < ID_BYTES ? 2 : 1;
  let branch = depth;
  while (byteAt(ids[start]!, branch) === byteAt(ids[end - 1]!, branch)) branch++;
  let count = branch > depth ? 2 : 1;
  for (let from = start; from < end;) {
    const byte = byteAt(ids[from]!, branch);
    let to = from + 1;
    while (to < end && byteAt(ids[to]!, branch) === byte) to++;
    count += nodesOf(ids, from, to, branch + 1);
    from = to;
  }
  return count;
}
