/** Ports that a cluster uses itself, which no database gets; those of its shards are in the state. [RS port-configurations] */

const INTERNAL_FIRST = 3333;
const INTERNAL_LAST = 3357;

export const RESERVED_PORTS: readonly number[] = [
  53,
  1968,
  ...Array.from({ length: INTERNAL_LAST - INTERNAL_FIRST + 1 }, (_, index) => INTERNAL_FIRST + index),
  5353, 8000, 8001, 8002, 8004, 8006, 8070, 8071, 8080, 8443, 8444, 9080, 9081, 9082, 9091, 9125, 9443, 10_050, 36_379,
]; // prettier-ignore
