/** Between a shard's replies and the engine's values, both ways. [redis script_lua.c: Redis protocol to Lua and back] */

import {
  Double,
  encodeReplyWithinLimit,
  Failure,
  MapReply,
  SetReply,
  Status,
  Verbatim,
  type Protocol,
  type Reply,
} from '../../resp/reply.ts';
import type { ReplyValue } from './engine.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** As a client of that protocol would see it: by way of its bytes, so that nothing can differ. */
export function toScript(reply: Reply, protocol: Protocol): ReplyValue {
  if (typeof reply === 'string') return latin1(reply);
  if (typeof reply === 'number' && Number.isInteger(reply)) return reply;
  return new Decoder(encodeReplyWithinLimit(reply, protocol)).value();
}

class Decoder {
  readonly #bytes: string;
  #at = 0;

  constructor(bytes: string) {
    this.#bytes = bytes;
  }

  value(): ReplyValue {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    const type = this.#bytes[this.#at]!;
    const line = this.#bytes.slice(this.#at + 1, end);
    this.#at = end + 2;
    switch (type) {
      case '+':
        return { ok: latin1(line) };
      case '-':
        return { err: latin1(line) };
      case ':':
        return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
      case '$':
        return line === '-1' ? null : latin1(this.#take(Number(line)));
      case '*':
      case '>':
        return line === '-1' ? null : this.#items(Number(line));
      case '_':
        return null;
      case '#':
        return line === 't';
      case ',':
        return { double: line === 'inf' ? Infinity : line === '-inf' ? -Infinity : Number(line) };
      case '(':
        return { big_number: latin1(line) };
      case '=': {
        const text = this.#take(Number(line));
        return { verbatim_string: { format: latin1(text.slice(0, 3)), string: latin1(text.slice(4)) } };
      }
      case '~':
        return { set: this.#items(Number(line)) };
      case '%':
        return {
          map: Array.from({ length: Number(line) }, (): [ReplyValue, ReplyValue] => [this.value(), this.value()]),
        };
      default:
        throw new Error(`a reply of an unknown type: ${JSON.stringify(type)}`);
    }
  }

  #items(count: number): ReplyValue[] {
    return Array.from({ length: count }, () => this.value());
  }

  #take(length: number): string {
    const text = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length + 2;
    return text;
  }
}

/** No double is this integer: the engine stops here where a processor, and so Redis, goes round. */
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** What a script returned, as a reply; an error that ended it says where. */
export function fromScript(value: ReplyValue, sha: string): Reply {
  if (value === INT64_MAX) return INT64_MIN;
  if (value === null || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return value;
  if (Buffer.isBuffer(value)) return value.latin1Slice();
  if (Array.isArray(value)) return value.map((item) => fromScript(item, sha));
  if ('ok' in value) return new Status(oneLine(value.ok.latin1Slice()));
  if ('double' in value) return new Double(value.double);
  if ('big_number' in value) return value.big_number.latin1Slice();
  if ('map' in value) return new MapReply(value.map.flat().map((item) => fromScript(item, sha)));
  if ('set' in value) return new SetReply(value.set.map((item) => fromScript(item, sha)));
  if ('verbatim_string' in value) {
    const { format, string } = value.verbatim_string;
    return new Verbatim(string.latin1Slice(), format.latin1Slice() === 'mkd' ? 'mkd' : 'txt');
  }
  const where = value.meta === undefined ? '' : ` script: ${sha}, on @user_script:${value.meta.line}.`;
  return new Failure(failureText(value) + where);
}

/** With its code in front. */
export function failureText(value: ReplyValue): string {
  if (value === null || typeof value !== 'object' || !('err' in value)) return 'ERR unknown error';
  const { err, code, meta } = value;
  const text = err.latin1Slice();
  if (meta?.kind === 'global-read')
    return `ERR user_script:${meta.line}: Script attempted to access nonexistent global variable '${meta.name ?? ''}'`;
  if (meta?.kind === 'command-arg-type') return 'ERR Lua redis lib command arguments must be strings or integers';
  return oneLine(code === undefined ? text : `${code.latin1Slice()} ${text}`);
}

const oneLine = (text: string): string => text.replaceAll('\0', '').replace(/[\r\n]/g, ' ');
